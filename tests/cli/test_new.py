"""`waypost new` as a person runs it, and what the tools say about the project it makes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from tests.cli.running import needs

from waypost.cli.new import TEMPLATE, project_name, write_project

REPOSITORY = Path(__file__).parent.parent.parent
PROJECT_FILES = {
    ".env.example",
    ".gitignore",
    "README.md",
    "app/api/hello/route.py",
    "app/api/posts/[id]/route.py",
    "app/api/posts/route.py",
    "lib/__init__.py",
    "lib/posts.py",
    "main.py",
    "pyproject.toml",
    "tests/conftest.py",
    "tests/test_hello.py",
    "tests/test_posts.py",
}


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # Otherwise the settings of this test run (its pytest options, its colours) would reach into the project's.
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "WAYPOST_"))
    }
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


def waypost(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("waypost.cli", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    done = waypost("new", "My Blog", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "waypost dev" in done.stdout
    return folder / "My Blog"


def test_the_project_has_the_files(project: Path) -> None:
    assert {file.relative_to(project).as_posix() for file in project.rglob("*") if file.is_file()} >= PROJECT_FILES


def test_the_project_has_its_name(project: Path) -> None:
    settings = tomllib.loads((project / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "my-blog"
    assert (project / "README.md").read_text().startswith("# my-blog\n")
    assert not any(
        "my-api" in file.read_text() for file in project.rglob("*.*") if file.suffix in (".py", ".toml", ".md")
    )


def test_its_tests_pass(project: Path) -> None:
    done = run("pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@needs("ruff")
def test_it_is_linted_and_formatted(project: Path) -> None:
    for command in (["check", "--no-cache", "."], ["format", "--no-cache", "--check", "."]):
        done = run("ruff", *command, cwd=project)
        assert done.returncode == 0, done.stdout


@needs("mypy")
def test_waypost_check_passes_types_included(project: Path) -> None:
    done = waypost("check", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 files, no errors" in done.stdout


@needs("mypy")
def test_plain_mypy_passes_too(project: Path) -> None:
    done = run("mypy", ".", cwd=project)
    assert done.returncode == 0, done.stdout


@needs("pyright")
def test_pyright_passes(project: Path) -> None:
    done = run("pyright", "--pythonpath", sys.executable, cwd=project)
    assert done.returncode == 0, done.stdout


@needs("ty")
def test_ty_passes(project: Path) -> None:
    done = run("ty", "check", "--python", sys.prefix, cwd=project)
    assert done.returncode == 0, done.stdout


@needs("pyrefly")
def test_pyrefly_passes(project: Path) -> None:
    done = run("pyrefly", "check", "--python-interpreter-path", sys.executable, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 errors" in done.stdout + done.stderr


@needs("coverage")
def test_coverage_counts_route_files_that_no_test_reaches(project: Path) -> None:
    done = run("coverage", "run", "-m", "pytest", "-q", "-k", "directly", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    report = run("coverage", "report", cwd=project).stdout
    (line,) = [line for line in report.splitlines() if "[id]" in line]
    assert "0%" in line
    assert "tests/" not in report


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    done = waypost("new", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert "main.py" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["main.py"]
    assert (tmp_path / "main.py").read_text() == "mine"


def test_a_folder_with_other_files_may_become_a_project(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("mine")
    assert waypost("new", ".", cwd=tmp_path).returncode == 0
    assert (tmp_path / "app" / "api" / "posts" / "[id]" / "route.py").exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [("blog", "blog"), ("My Blog", "my-blog"), ("a/b_c.d", "b_c.d"), ("...", "my-api"), ("日本", "my-api")],
)
def test_the_name_of_a_distribution(folder: str, name: str) -> None:
    assert project_name(Path("/somewhere") / folder) == name


def test_caches_of_the_installer_are_not_copied(tmp_path: Path) -> None:
    cache = TEMPLATE / "lib" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "left.pyc").write_bytes(b"")
    try:
        files = write_project(tmp_path)
    finally:
        (cache / "left.pyc").unlink()
        if not any(cache.iterdir()):
            cache.rmdir()
    assert {file.relative_to(tmp_path).as_posix() for file in files} == PROJECT_FILES


def test_a_wheel_has_the_template(tmp_path: Path) -> None:
    done = run("hatchling", "build", "--target", "wheel", "--directory", str(tmp_path), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        "waypost/cli/template/" + file.relative_to(TEMPLATE).as_posix()
        for file in TEMPLATE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert expected <= inside
    assert not any("__pycache__" in name for name in inside)
