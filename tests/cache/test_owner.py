"""Who holds a lease, and whether that process is gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from waypost.cache import owner
from waypost.cache.owner import is_gone, this_process

CODE = (
    "import sys, time; from waypost.cache.owner import this_process; print(this_process(), flush=True); time.sleep(60)"
)


def test_this_process_is_here() -> None:
    assert not is_gone(this_process())
    assert str(os.getpid()) in this_process()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_another_process_is_here_until_it_is_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert not is_gone(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)  # dead, and nobody has asked for its exit code
    process.communicate()
    assert is_gone(name)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_a_number_that_is_used_again_is_another_process() -> None:
    place, pid, started = this_process().split("|")
    assert is_gone(f"{place}|{pid}|{int(started) - 1}")


@pytest.mark.parametrize(
    "name", ["", "|", "|1|", "x", "elsewhere pid:[1]|1|5", "|999999999|1", "elsewhere|999999999|1"]
)
def test_what_is_not_known_is_not_gone(name: str) -> None:
    assert not is_gone(name)


def test_where_nothing_is_known_nobody_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "boot_id", lambda: "")
    assert this_process() == f"|{os.getpid()}|"
    assert not is_gone("|999999999|")
