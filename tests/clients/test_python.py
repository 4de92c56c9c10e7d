"""The Python client of a project, checked by mypy as strictly as it can be, and run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Running, needs
from tests.clients.project import served
from tests.clients.test_typescript import run, waypost

from waypost.clients.python_runtime import _Events, _path

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    folder = tmp_path_factory.mktemp("project")
    with served(folder) as server:
        yield folder, server


@pytest.fixture(scope="module")
def written(project: tuple[Path, Running], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    for name in ("use.py", "mistakes.py"):
        shutil.copy(HERE / name, folder)
    waypost("client", "--python", "-o", str(folder / "client.py"), cwd=project[0])
    return folder


def check(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", *command, cwd=cwd)


@pytest.mark.slow
@needs("mypy")
def test_mypy_finds_nothing_wrong_and_every_mistake(written: Path) -> None:
    done = check("mypy", "--strict", "--config-file=", "client.py", "use.py", "mistakes.py", cwd=written)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_it_runs(written: Path, project: tuple[Path, Running]) -> None:
    done = run(sys.executable, "-W", "error", "use.py", f"http://localhost:{project[1].port}", cwd=written)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.slow
def test_the_same_project_gives_the_same_file(project: tuple[Path, Running]) -> None:
    first, second = (waypost("client", "--python", cwd=project[0]) for _ in range(2))
    assert first == second
    assert first.startswith('"""Client of blog 1.2.3, made by `waypost client --python`:')


def test_lines_become_events() -> None:
    lines = [": hello", "event: tick", "id: 7", "data: one", "data:two", "", "data", "", "event: none", "", "data: x"]
    events = _Events()
    found = [event for line in lines if (event := events.feed(line)) is not None]
    assert [(event.event, event.data, event.id) for event in found] == [("tick", "one\ntwo", "7"), ("message", "", "7")]


def test_parts_of_a_path_stay_parts() -> None:
    assert _path(("a b", "c/d", 1, True, "ü?#")) == "/a%20b/c%2Fd/1/true/%C3%BC%3F%23"
    assert _path(()) == "/"
    for part in ("", ".", ".."):
        with pytest.raises(ValueError, match="no part of a path"):
            _path(("a", part))
