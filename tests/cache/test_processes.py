"""Many processes at one store: nothing older than an acknowledged revalidation, one fill a key, whatever dies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHECKER = "bench/faults/cache_checker.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the rigs fork and kill as POSIX does")


def run(*command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.slow
def test_three_processes_see_10_000_revalidations_of_a_fourth_at_once(folder: Path) -> None:
    result = run("tests/cache/lockstep.py", str(folder), "10000")
    assert result["codes"] == [0, 0, 0]
    assert result["seen_too_late"] == 0


@pytest.mark.slow
def test_killed_200_times_in_the_middle_of_writing(folder: Path) -> None:
    result = run("tests/cache/kill_rig.py", str(folder), "200", "1")
    assert result["good"] == 200
    assert result["with_revalidations"] > 40
    assert result["bytes"] < 20 << 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ["--store", "sqlite"],
        ["--store", "valkey"],
        ["--store", "valkey", "--machines", "2", "--bound", "0.1"],
    ],
    ids=" ".join,
)
def test_100_000_reads_and_1_000_revalidations(options: list[str]) -> None:
    result = run(CHECKER, *options, "--reads", "100000", "--revalidations", "1000")
    assert result["too_old"] == 0, result
    assert result["exit_codes"] == [0, 0, 0, 0]
    assert result["revalidations"] > 900
    assert result["memory"] > 20_000


@pytest.mark.slow
def test_strict_on_two_machines_is_never_behind() -> None:
    result = run(CHECKER, "--store", "valkey-strict", "--machines", "2", "--reads", "20000", "--revalidations", "500")
    assert result["too_old"] == 0, result
    assert result["memory"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("store", ["valkey", "valkey-strict"])
def test_a_broken_way_to_the_store_makes_nothing_older_than_100_ms(store: str) -> None:
    bound = ["--bound", "0.1"] if store == "valkey" else []
    faults = "silent,down,reset,slow,readonly"
    result = run(
        CHECKER, "--store", store, "--machines", "2", *bound, "--breaks", faults, "--timeout", "0.1",
        "--reads", "24000", "--revalidations", "400", "--pause", "0.002",
    )  # fmt: skip
    assert result["too_old"] == 0, result
    assert result["bypassed"] > 0
    assert result["exit_codes"] == [0, 0, 0, 0]


@pytest.mark.slow
def test_files_that_are_damaged_under_four_workers_make_nothing_old() -> None:
    result = run(
        CHECKER, "--harms", "delete,truncate,rmtree,noise", "--timeout", "0.2",
        "--reads", "20000", "--revalidations", "400", "--pause", "0.002",
    )  # fmt: skip
    assert result["too_old"] == 0, result
    assert result["exit_codes"] == [0, 0, 0, 0]


@pytest.mark.parametrize("options", [["--store", "sqlite"], ["--store", "valkey", "--machines", "2"]], ids=" ".join)
def test_500_waiters_in_four_processes_fill_once(options: list[str]) -> None:
    result = run(CHECKER, *options, "--waiters", "500", "--rounds", "3")
    assert result["good"], result
    assert result["fills"] == 3


def test_the_checker_finds_what_is_too_old() -> None:
    """A read that began after the acknowledgement and gives the number from before it."""
    sys.path.insert(0, str(ROOT))
    try:
        from bench.faults.cache_checker import READ, REVALIDATE, check, check_fills
    finally:
        sys.path.remove(str(ROOT))
    revalidated = (REVALIDATE, 1, 5, 100, 200, 0)
    later = (REVALIDATE, 1, 4, 100, 300, 0)
    assert check([revalidated, (READ, 1, 4, 201, 210, 0)], 0)["too_old"] == 1
    assert check([revalidated, (READ, 1, 4, 199, 210, 0)], 0)["too_old"] == 0
    assert check([revalidated, (READ, 1, 5, 201, 210, 0)], 0)["too_old"] == 0
    assert check([revalidated, (READ, 2, 4, 201, 210, 0)], 0)["too_old"] == 0
    assert check([revalidated, later, (READ, 1, 4, 301, 310, 0)], 0)["too_old"] == 1
    assert check([revalidated, (READ, 1, 4, 250, 310, 0)], 100e-9)["too_old"] == 0
    assert check([revalidated, (READ, 1, 4, 301, 310, 0)], 100e-9)["too_old"] == 1
    assert check([revalidated, (READ, 1, 4, 1_000_200, 1_000_210, 0)], 0)["worst_lag_ms"] == 1.0
    assert check_fills([(READ, 0, 0, 1, 2, 2), (READ, 0, 0, 1, 2, 3)], 1)["most_fills_of_one_key"] == 1
    assert check_fills([(READ, 0, 0, 1, 2, 2), (READ, 0, 0, 1, 2, 2)], 1)["most_fills_of_one_key"] == 2
