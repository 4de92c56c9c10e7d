"""Every example's own tests, run as its README says: in a process of their own, in the example's folder.

A process of its own, because each example has its own `app` and `lib`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[1] / "examples").glob("*/tests"))


def run(example: Path, *program: str, **variables: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "PYTEST_"))}
    environment = {**inherited, **variables}
    done = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=example, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example: Path) -> None:
    run(example, "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_waypost_check_finds_nothing(example: Path, tmp_path: Path) -> None:
    # What a deployment would set: an example that needs secrets does not start without them.
    secrets = {name: value or "" for name, value in dotenv_values(example / ".env.test").items()}
    wanted = {"REVALIDATION_SECRET": "wanted-for-a-start", "DATA_DIR": str(tmp_path)}
    run(example, "waypost.cli", "check", **{**wanted, **secrets})


def test_there_are_examples() -> None:
    assert EXAMPLES
