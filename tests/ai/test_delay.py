"""bench/ai_delay.py runs, and every word passes through; how long that takes is measured elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_the_words_of_a_model_behind_openai_s_protocol_pass_through() -> None:
    done = subprocess.run(
        [sys.executable, BENCH / "ai_delay.py", "--rounds", "1", "--readers", "3", "--no-goal"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[-2:] for line in lines[:2]] == [["300", "words"]] * 2
    assert lines[2].startswith("added ")
