from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import needs, write

GOOD = "from waypost import Response\n\nasync def GET() -> Response:\n    return Response('x')\n"


def check(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "waypost.cli", "check", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


def test_everything_wrong_at_the_start_is_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app/a/route.py": "def get(): ...\n",
            "app/b/route.py": "dynamic = 'sometimes'\ndef GET(): ...\n",
            "app/c/route.py": "def GET(:\n",
            "app/d/route.py": "import no_such_module\ndef GET(): ...\n",
            "app/e/route.py": GOOD,
            "app/e/page.html": "<p>",
            "app/f/[id]/[id]/route.py": GOOD,
        },
    )
    done = check(tmp_path, "--no-types")
    assert done.returncode == 1
    for letter in "abcdef":
        assert f"app/{letter}/" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_checked(tmp_path: Path) -> None:
    write(tmp_path, {"app/route.py": GOOD, "pyproject.toml": "[tool.waypost]\nnope = 1\nport = -1\n"})
    done = check(tmp_path, "--no-types")
    assert done.returncode == 1
    assert "pyproject.toml:2:" in done.stderr
    assert "pyproject.toml:3:" in done.stderr


def test_a_good_project_passes(tmp_path: Path) -> None:
    write(tmp_path, {"app/route.py": GOOD})
    done = check(tmp_path, "--no-types")
    assert (done.returncode, done.stdout) == (0, "routes: 1 route, no problems\n")


@needs("mypy")
def test_types_are_checked_although_the_start_fails(tmp_path: Path) -> None:
    write(tmp_path, {"app/[id]/route.py": GOOD + "wrong: int = 'x'\n", "app/b/route.py": "def get() -> None: ...\n"})
    done = check(tmp_path)
    assert done.returncode == 1
    assert "app/b/route.py:1" in done.stderr
    assert "app/[id]/route.py:5: error" in done.stdout


@needs("mypy")
def test_the_types_of_the_public_names_reach_the_user(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app/route.py": "from waypost import Request, Response\n\n"
            "async def GET(request: Request) -> Response:\n"
            "    number: int = request.next_url.search_params.get('a')\n"
            "    return Response.json({}, status='200')\n"
        },
    )
    done = check(tmp_path)
    assert done.returncode == 1
    assert "app/route.py:4: error" in done.stdout
    assert "app/route.py:5: error" in done.stdout


def test_without_mypy_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"app/route.py": GOOD, "hide/mypy/__init__.py": "raise ModuleNotFoundError('mypy')\n"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hide"))
    done = check(tmp_path)
    assert done.returncode == 0
    assert "pip install mypy" in done.stdout
