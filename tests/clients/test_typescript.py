"""The TypeScript client of a project, checked by the compiler as strictly as it can be, and run in Node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import npm
from tests.cli.running import Running
from tests.clients.project import served

HERE = Path(__file__).parent

pytestmark = pytest.mark.slow


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def waypost(*arguments: str, cwd: Path) -> str:
    done = run(sys.executable, "-m", "waypost.cli", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running]]:
    folder = tmp_path_factory.mktemp("project")
    with served(folder) as server:
        yield folder, server


@pytest.fixture(scope="module")
def built(project: tuple[Path, Running], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client and what uses it, compiled."""
    try:
        npm.install(HERE)
    except npm.MissingPackages as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("built")
    for name in ("tsconfig.json", "package.json", "use.ts", "mistakes.ts"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    waypost("client", "--ts", "-o", str(folder / "client.ts"), cwd=project[0])
    done = run(str(HERE / "node_modules" / ".bin" / "tsc"), "-p", ".", cwd=folder)
    assert done.returncode == 0, done.stdout
    return folder / "out"


def test_it_compiles_and_the_compiler_finds_mistakes(built: Path) -> None:
    """mistakes.ts has a mistake in each line that expects one; one that goes unseen is an error of the compiler."""
    assert (built / "mistakes.js").is_file()


def test_it_runs(built: Path, project: tuple[Path, Running]) -> None:
    done = run("node", str(built / "use.js"), f"http://localhost:{project[1].port}", cwd=built)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_the_same_project_gives_the_same_file(project: tuple[Path, Running]) -> None:
    first, second = (waypost("client", "--ts", cwd=project[0]) for _ in range(2))
    assert first == second
    assert first.startswith("// Client of blog 1.2.3, made by `waypost client --ts`:")


def test_it_can_be_written_from_a_committed_document(project: tuple[Path, Running], tmp_path: Path) -> None:
    waypost("openapi", "-o", str(tmp_path / "openapi.json"), cwd=project[0])
    text = waypost("client", "--ts", "--from", "openapi.json", cwd=tmp_path)
    own = waypost("client", "--ts", cwd=project[0])
    assert text.partition("\n")[2] == own.partition("\n")[2]
