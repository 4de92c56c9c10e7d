"""No client ever gets what was made for another; the long form is `python bench/faults/shared_answers.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "faults" / "shared_answers.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the fault scripts read /proc")
def test_50_users_and_every_header_variant() -> None:
    run = subprocess.run(
        [sys.executable, str(SCRIPT), "--short"], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
