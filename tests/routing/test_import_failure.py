"""What is said of a module that can't be imported; most of it stands in the sample broken-imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from waypost.errors import StartupError
from waypost.routing.import_failure import explain_import
from waypost.routing.load import load_module


def fail(root: Path, text: str) -> StartupError:
    file = root / "app/route.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StartupError) as caught:
        load_module(file, root / "app")
    return caught.value


def test_points_at_the_line_of_the_project_below_library_frames(tmp_path: Path) -> None:
    text = "import json\n\n\ndef read():\n    return json.loads('{')\n\n\nVALUE = read()\n"
    error = fail(tmp_path, text)

    assert (error.file, error.line) == (tmp_path / "app/route.py", 5)


def test_installed_packages_are_not_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / ".venv/lib/python3/site-packages"
    packages.mkdir(parents=True)
    (packages / "a_library.py").write_text("def work():\n    raise ValueError('deep')\n")
    monkeypatch.syspath_prepend(str(packages))
    error = fail(tmp_path, "import a_library\n\na_library.work()\n")

    assert (error.file, error.line) == (tmp_path / "app/route.py", 3)


@pytest.mark.parametrize("text", ["import nowhere_to_be_found", "exec('1 / 0')"])
def test_frames_without_a_file_are_not_files_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    error = fail(tmp_path, f"\n{text}\n")

    assert (error.file, error.line) == (tmp_path / "app/route.py", 2)


def test_keeps_the_exception(tmp_path: Path) -> None:
    error = fail(tmp_path, "raise LookupError('gone')\n")

    assert isinstance(error.__cause__, LookupError)
    assert error.__cause__.__traceback__ is not None


def test_long_texts_are_cut(tmp_path: Path) -> None:
    error = fail(tmp_path, "raise ValueError('x' * 5000 + '\\nsecond line')\n")

    assert len(error.message) < 350
    assert error.message.endswith("…")


def test_an_exception_without_a_usable_text(tmp_path: Path) -> None:
    text = "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n\n\nraise Odd\n"

    assert fail(tmp_path, text).message == "Odd"
    assert fail(tmp_path / "second", "raise ValueError\n").message == "ValueError"


@pytest.mark.parametrize(
    ("text", "line", "frame"),
    [
        ("x = 1\n\tdef GET():\n", 2, None),
        ("def GET(request):\nreturn 1\n", 2, "  2 | return 1\n    | ^"),
        ("if True:\n        x = = 1\n", 2, "  2 | x = = 1\n    |     ^"),
        ("x = 'é\n", 1, "  1 | x = 'é\n    |     ^"),
        ("x = 1\x00\n", None, None),
    ],
)
def test_syntax_errors_show_the_line(tmp_path: Path, text: str, line: int | None, frame: str | None) -> None:
    error = fail(tmp_path, text)

    assert error.file == tmp_path / "app/route.py"
    if line is not None:
        assert error.line == line
    if frame is not None:
        head, _, shown = error.message.partition("\n")
        assert head.split(":")[0] in ("SyntaxError", "IndentationError")
        assert shown.startswith(frame)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "app/route.py"
    file.parent.mkdir()
    file.write_bytes(b"x = 'caf\xe9'\n")
    with pytest.raises(StartupError) as caught:
        load_module(file, tmp_path / "app")

    assert caught.value.file == file
    assert "utf-8" in caught.value.message.lower()


def test_a_syntax_error_in_text_that_is_no_file(tmp_path: Path) -> None:
    error = fail(tmp_path, "\nexec('x = = 1')\n")

    assert (error.file, error.line) == (tmp_path / "app/route.py", 2)


def test_explains_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "app/route.py"
    error = explain_import(ValueError("no frames"), file, tmp_path)

    assert (error.file, error.line, error.message) == (file, None, "ValueError: no frames")


def test_a_missing_standard_module_is_not_to_be_installed(tmp_path: Path) -> None:
    assert fail(tmp_path, "import asyncio.nothing\n").remedy == "Correct the name."


def test_a_start_up_error_keeps_its_own_words(tmp_path: Path) -> None:
    text = "from waypost.cors import cors\n\nallow = cors(origins='app.example')\n"
    error = fail(tmp_path, text)

    assert (error.file, error.line) == (tmp_path / "app/route.py", 3)
    assert error.message.startswith("cors(): ")
    assert error.remedy

    own = "from waypost import StartupError\n\nraise StartupError('no secret', remedy='Set SECRET.')\n"
    error = fail(tmp_path, own)
    assert (error.message, error.remedy, error.line) == ("no secret", "Set SECRET.", 3)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    error = fail(tmp_path, "import os\n\nKEY = os.environ['NOBODY_SETS_IT']\n")

    assert error.line == 3
    assert error.remedy == "Set NOBODY_SETS_IT in .env, or in the environment."
    assert fail(tmp_path, "{}['NOBODY_SETS_IT']\n").remedy == ""


def test_a_wrong_indent_can_be_seen(tmp_path: Path) -> None:
    error = fail(tmp_path, "VALUE = 1\n   OTHER = 2\n")

    assert error.message.splitlines()[1] == "  2 |    OTHER = 2"
