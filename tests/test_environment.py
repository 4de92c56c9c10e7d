"""`.env` files. `SAME` holds what @next/env 16 made of the same files, `DIFFERENT` where ours is meant to differ."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.environment import MARKER, env_file_names, load_env, read_env
from waypost.errors import StartupError, StartupErrors

# text of .env, environment, expected
SAME: list[tuple[str, dict[str, str], dict[str, str | None]]] = [
    ("A=1\n", {}, {"A": "1"}),
    ("export A=1\n", {}, {"A": "1"}),
    (" A = b c  \n", {}, {"A": "b c"}),
    ('A="a b"\n', {}, {"A": "a b"}),
    ("A='a b'\n", {}, {"A": "a b"}),
    ("A=`a b`\n", {}, {"A": "a b"}),
    ('A="a\\nb"\n', {}, {"A": "a\nb"}),
    ("A='a\\nb'\n", {}, {"A": "a\\nb"}),
    ("A=a\\nb\n", {}, {"A": "a\\nb"}),
    ('A="a\nb"\nB=2\n', {}, {"A": "a\nb", "B": "2"}),
    ("A=a # c\n", {}, {"A": "a"}),
    ('A="a # c" # d\n', {}, {"A": "a # c"}),
    ("# A=1\nB=2\n", {}, {"A": None, "B": "2"}),
    ("A=\nB=2\n", {}, {"A": "", "B": "2"}),
    ('A=""\n', {}, {"A": ""}),
    ("A\nB=2\n", {}, {"A": None, "B": "2"}),
    ("A=a=b=c\n", {}, {"A": "a=b=c"}),
    ("A=1\nA=2\n", {}, {"A": "2"}),
    ("A.B=1\nA-B=2\n", {}, {"A.B": "1", "A-B": "2"}),
    ("A=it's\nB=2\n", {}, {"A": "it's", "B": "2"}),
    ('A=a"b"c\n', {}, {"A": 'a"b"c'}),
    ("A=1\r\nB=2\r\n", {}, {"A": "1", "B": "2"}),
    ("\ufeffA=1\n", {}, {"A": "1"}),
    ("X=1\nA=$X\n", {}, {"A": "1"}),
    ("X=1\nA=${X}2\n", {}, {"A": "12"}),
    ("X=1\nA=a$X-b\n", {}, {"A": "a1-b"}),
    ("A=[$NOPE]\n", {}, {"A": "[]"}),
    ("A=$X\nX=1\n", {}, {"A": "1"}),
    ("X=1\nA='$X'\n", {}, {"A": "1"}),
    ("X=1\nA=\\$X\n", {}, {"A": "$X"}),
    ("X=1\nA=\\${X}\n", {}, {"A": "${X}"}),
    ('X=1\nA="\\$X"\n', {}, {"A": "$X"}),
    ("A=a$\n", {}, {"A": "a$"}),
    ("A=\\$2b\\$10\\$abc\n", {}, {"A": "$2b$10$abc"}),
    ("A=${X:-d}\n", {}, {"A": "d"}),
    ("A=${X:-http://a.b/c}\n", {}, {"A": "http://a.b/c"}),
    ("Y=1\nA=${X:-${Y}}\n", {}, {"A": "1"}),
    ("X=\nA=${X:-d}\n", {}, {"A": "d"}),
    ("A=$B\nB=$C\nC=3\n", {}, {"A": "3"}),
    ("A=$HOMEX/y\n", {"HOMEX": "/h"}, {"A": "/h/y"}),
    ("X=file\nA=$X\n", {"X": "os"}, {"A": "os"}),
    ("X=file\nA=[$X]\n", {"X": ""}, {"A": "[]"}),
    ("A=$(whoami)\n", {}, {"A": "$(whoami)"}),
    ('A={"a": "$X"}\nX=1\n', {}, {"A": '{"a": "1"}'}),
    ("A=[${}]\n", {}, {"A": "[${}]"}),
]

DIFFERENT = [
    ("X=1\nY=2\nA=$X$Y\n", {"A": "12"}, "Next.js drops two references in a row"),
    ("X=1\nA=${X:-d}\n", {"A": "1"}, "Next.js takes the default although X is in the same file"),
    ("A=$5.00\n", {"A": "$5.00"}, "Next.js drops $5; no name begins with a digit"),
    ("X=1\nA=a\\$X$X\n", {"A": "a$X1"}, "Next.js loses the escaped one"),
    ("A=pass#word\n", {"A": "pass#word"}, "Next.js cuts at #; here a comment needs a blank before it"),
]


@pytest.fixture
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    monkeypatch.setattr("waypost.environment._written", {})
    os.environ.pop(MARKER, None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(("text", "environ", "expected"), SAME)
def test_a_file_means_what_it_means_to_next(
    tmp_path: Path, text: str, environ: dict[str, str], expected: dict[str, str | None]
) -> None:
    (tmp_path / ".env").write_text(text, newline="")
    values = read_env(tmp_path, "production", environ).values
    assert {name: values.get(name) for name in expected} == expected


@pytest.mark.parametrize(("text", "expected", "reason"), DIFFERENT)
def test_where_ours_does_better(tmp_path: Path, text: str, expected: dict[str, str], reason: str) -> None:
    (tmp_path / ".env").write_text(text)
    values = read_env(tmp_path, "production", {}).values
    assert {name: values[name] for name in expected} == expected, reason


FILES = {
    ".env": "A=env\nB=env\nC=env\nD=env\n",
    ".env.production": "A=prod\nB=prod\nC=prod\n",
    ".env.local": "A=local\nB=local\n",
    ".env.production.local": "A=prodlocal\n",
    ".env.test": "A=test\n",
    ".env.test.local": "B=testlocal\n",
    ".env.development": "A=dev\n",
}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("production", {"A": "prodlocal", "B": "local", "C": "prod", "D": "env"}),
        ("development", {"A": "local", "B": "local", "C": "env", "D": "env"}),
        ("test", {"A": "test", "B": "testlocal", "C": "env", "D": "env"}),
    ],
)
def test_the_order_of_the_files(tmp_path: Path, mode: str, expected: dict[str, str]) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    loaded = read_env(tmp_path, mode, {})
    assert loaded.values == expected
    assert [file.name for file in loaded.files] == [name for name in env_file_names(mode) if name in FILES]


def test_references_reach_across_files_and_the_strongest_value_counts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=env\nPORT=1\nURL=$HOST:$PORT\n")
    (tmp_path / ".env.local").write_text("HOST=local\nBASE=$PORT\n")
    assert read_env(tmp_path, "production", {}).values == {
        "HOST": "local",
        "BASE": "1",
        "PORT": "1",
        "URL": "local:1",
    }


def test_what_is_set_already_wins_even_when_empty(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\nC=file\n")
    assert read_env(tmp_path, "production", {"A": "os", "B": ""}).values == {"C": "file"}


def test_a_value_of_the_environment_is_not_expanded(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=$SECRET\nx=1\n")
    assert read_env(tmp_path, "production", {"SECRET": "pa$x"}).values["A"] == "pa$x"


def test_an_unknown_reference_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\n# hash of the admin\nHASH=$2b$10$abc\n")
    loaded = read_env(tmp_path, "production", {})
    assert loaded.values == {"HASH": "$2b$10"}
    assert loaded.warnings == (f"{tmp_path / '.env'}:3: $abc is not set and stands for nothing; a dollar sign is \\$",)


def test_places_are_the_lines_of_the_names(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('\n\nA="x\ny"\n# note\n\nB=2\n')
    places = read_env(tmp_path, "production", {}).places
    assert places == {"A": (tmp_path / ".env", 3), "B": (tmp_path / ".env", 7)}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('A=1\nB="open\n', 2, "no variable"),
        ('A="a" b\n', 1, "no variable"),
        ("A=$B\nB=$A\n", 2, "needs $A"),
        ("A=x$A\n", 1, "needs $A"),
        ("'a b'=1\n", 1, "can't be a variable"),
        ("A=a\0b\n", 1, "can't be a variable"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(StartupError) as caught:
        read_env(tmp_path, "production", {})
    assert (caught.value.file, caught.value.line) == (tmp_path / ".env", line)
    assert words in caught.value.message


def test_all_broken_lines_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('A="open\n')
    (tmp_path / ".env.local").write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(StartupErrors) as caught:
        read_env(tmp_path, "production", {})
    assert [error.file for error in caught.value.errors] == [tmp_path / ".env.local", tmp_path / ".env"]


def test_a_folder_called_env_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read_env(tmp_path, "production", {}).files == ()


@pytest.mark.usefixtures("clean_environ")
def test_loading_again_replaces_what_loading_wrote(tmp_path: Path) -> None:
    os.environ["KEPT"] = "os"
    (tmp_path / ".env").write_text("KEPT=file\nOLD=1\nCHANGED=1\nOWNED=1\n")
    load_env(tmp_path, "production")
    assert (os.environ["KEPT"], os.environ["OLD"], os.environ["CHANGED"]) == ("os", "1", "1")
    os.environ["OWNED"] = "by the program"
    (tmp_path / ".env").write_text("CHANGED=2\nNEW=$CHANGED\nOWNED=2\n")
    load_env(tmp_path, "production")
    assert (os.environ["CHANGED"], os.environ["NEW"], os.environ["OWNED"]) == ("2", "2", "by the program")
    assert "OLD" not in os.environ


@pytest.mark.usefixtures("clean_environ")
def test_a_broken_file_leaves_the_environment_as_it_was(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOD=1\n")
    load_env(tmp_path, "production")
    (tmp_path / ".env").write_text('GOOD="2\n')
    with pytest.raises(StartupError):
        load_env(tmp_path, "production")
    assert os.environ["GOOD"] == "1"


@pytest.mark.usefixtures("clean_environ")
def test_a_child_process_may_replace_what_its_parent_loaded(tmp_path: Path) -> None:
    os.environ["REAL"] = "os"
    (tmp_path / ".env").write_text("COLOUR=red\nREAL=file\n")
    load_env(tmp_path, "production")
    (tmp_path / ".env").write_text("COLOUR=blue\nREAL=file\n")
    program = (
        "import os, sys; from waypost.environment import load_env;"
        "load_env(sys.argv[1], 'production'); print(os.environ['COLOUR'], os.environ['REAL'])"
    )
    out = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["blue", "os"]


@pytest.mark.usefixtures("clean_environ")
def test_what_a_parent_sets_for_its_child_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    load_env(tmp_path, "test")
    program = f"import os; from waypost.environment import load_env; load_env({str(tmp_path)!r}, 'test'); \
print(os.environ['A'], os.environ['B'])"
    environment = {**os.environ, "A": "set for the child"}
    (tmp_path / ".env").write_text("A=changed\nB=changed\n")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set for the child changed\n"


def test_reading_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WAYPOST_TEST_ONLY=1\n")
    before = dict(os.environ)
    read_env(tmp_path, "production", {})
    assert dict(os.environ) == before
