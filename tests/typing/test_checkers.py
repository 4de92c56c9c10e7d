"""What users write is right or wrong for mypy, pyright, ty and pyrefly alike.

samples/clean is a project without a mistake; each line of samples/planted that ends in `# planted: why` has one, and no
other line. `# planted, but for NAME: why` is a mistake that this checker does not find in anybody's code.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"
BIN = Path(sys.executable).parent
PLANTED = re.compile(r"  # planted(?:, but for (\w+))?: \S")

Found = set[tuple[str, int]]  # file, line


def run(project: Path, *program: str) -> str:
    done = subprocess.run(program, cwd=project, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def lines_of(text: str, pattern: str) -> Found:
    return {(found[1], int(found[2])) for found in re.finditer(pattern, text, re.MULTILINE)}


def mypy(project: Path) -> Found:
    output = run(project, sys.executable, "-P", "-m", "waypost.cli.typecheck", str(project))
    assert re.search(r"^mypy: (\d+ errors in )?\d+ files", output, re.MULTILINE)
    return lines_of(output, r"^(.+?):(\d+): error:")


def pyright(project: Path) -> Found:
    output = json.loads(run(project, str(BIN / "pyright"), "--pythonpath", sys.executable, "--outputjson"))
    assert output["summary"]["filesAnalyzed"] > 5
    return {
        (Path(item["file"]).relative_to(project).as_posix(), item["range"]["start"]["line"] + 1)
        for item in output["generalDiagnostics"]
        if item["severity"] == "error"
    }


def ty(project: Path) -> Found:
    output = run(project, str(BIN / "ty"), "check", "--python", str(BIN.parent), "--output-format", "concise")
    return lines_of(output, r"^(.+?):(\d+):\d+: error")


def pyrefly(project: Path) -> Found:
    output = json.loads(
        run(
            project,
            str(BIN / "pyrefly"),
            "check",
            "--python-interpreter-path",
            sys.executable,
            "--output-format",
            "json",
        )
    )
    return {(item["path"], item["line"]) for item in output["errors"] if item["severity"] == "error"}


CHECKERS: list[Callable[[Path], Found]] = [mypy, pyright, ty, pyrefly]


def planted(project: Path, checker: str) -> Iterator[tuple[str, int]]:
    for file in sorted(project.rglob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            mark = PLANTED.search(line)
            if mark is not None and mark[1] != checker:
                yield file.relative_to(project).as_posix(), number


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_a_project_without_a_mistake(checker: Callable[[Path], Found]) -> None:
    assert checker(SAMPLES / "clean") == set()


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_every_mistake_is_found_and_nothing_else(checker: Callable[[Path], Found]) -> None:
    project = SAMPLES / "planted"
    wanted = set(planted(project, checker.__name__))
    found = checker(project)
    assert len(wanted) > 35
    assert (sorted(wanted - found), sorted(found - wanted)) == ([], [])


def test_the_sample_without_a_mistake_also_starts() -> None:
    output = run(SAMPLES / "clean", sys.executable, "-m", "waypost.cli", "check", "--no-types")
    assert "no problems" in output
