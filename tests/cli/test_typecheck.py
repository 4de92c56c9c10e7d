"""Every planted mistake is found, under its real path, in folders that plain mypy can't name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import needs

from waypost.cli.typecheck import module_name

WRONG = "wrong: int = 'x'\n"
FOLDERS = [
    "app/api/posts",
    "app/api/posts/[id]",
    "app/files/[...path]",
    "app/[[...all]]",
    "app/(admin)/stats",
    "app/_lib",
]


def typecheck(project: Path, source_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "waypost.cli.typecheck", str(source_dir or project)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


def errors_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(line.partition(": error:")[0] for line in done.stdout.splitlines() if ": error:" in line)


@needs("mypy")
@pytest.mark.parametrize("source", [".", "src"])
def test_every_planted_mistake_is_found(tmp_path: Path, source: str) -> None:
    base = tmp_path / source
    for folder in FOLDERS:
        (base / folder).mkdir(parents=True)
        (base / folder / "route.py").write_text(
            "from .near import value\nfrom lib.db import number\n" + WRONG + "bad: str = number + value\n"
        )
        (base / folder / "near.py").write_text("value: int = 1\n")
    (base / "lib").mkdir()
    (base / "lib" / "db.py").write_text("number: int = 1\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(WRONG)
    done = typecheck(tmp_path, base)
    prefix = "" if source == "." else "src/"
    routes = [f"{prefix}{folder}/route.py:{line}" for folder in FOLDERS for line in (3, 4)]
    assert errors_of(done) == sorted([*routes, "tests/test_a.py:1"]), done.stdout + done.stderr
    assert done.returncode == 1
    assert done.stdout.endswith("mypy: 13 errors in 14 files\n")


@needs("mypy")
def test_the_settings_of_the_project_hold(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mypy]\nstrict = true\nexclude = ["^app/", "^old/"]\n')
    for name in ("app", "old", ".venv", "node_modules"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "route.py").write_text("def GET(request): ...\n")
    assert errors_of(typecheck(tmp_path)) == ["app/route.py:1"]


@needs("mypy")
def test_a_syntax_error_is_told(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "route.py").write_text("def GET(:\n")
    done = typecheck(tmp_path)
    assert done.returncode == 2
    assert "app/route.py:1" in errors_of(done)


@needs("mypy")
def test_a_module_of_the_project_does_not_shadow_those_of_mypy(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("x = 1\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "route.py").write_text(WRONG)
    assert "app/route.py:1" in errors_of(typecheck(tmp_path))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("app/api/posts/[id]/route.py", "app.api.posts.[id].route"),
        ("app/[...path]/route.py", "app.[…path].route"),
        ("app/feed.xml/route.py", "app.feed․xml.route"),
        ("lib/__init__.py", "lib"),
        ("v1.0/tool.py", "v1_0.tool"),
        ("main.py", "main"),
    ],
)
def test_module_names_have_one_part_for_each_folder(file: str, name: str) -> None:
    assert module_name(Path("/p") / file, Path("/p"), Path("/p")) == name
