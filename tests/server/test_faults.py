"""The fault scripts of the bench in their short form: each prints what it found and ends with 0 at its goal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[2] / "bench" / "faults"
SCRIPTS = (
    "bad_output", "big_bodies", "event_streams", "failed_downloads", "idle_connections", "kill_worker", "leavers",
    "ledger", "overload", "slow_clients", "sockets", "stalled_readers", "stop_in_flight", "stop_keep_alive",
    "stop_streams", "sustained", "truncated_uploads",
)  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="the scripts read memory and descriptors from /proc")
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_short_form_meets_its_goal(script: str) -> None:
    run = subprocess.run(
        [sys.executable, str(FAULTS / f"{script}.py"), "--short"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
