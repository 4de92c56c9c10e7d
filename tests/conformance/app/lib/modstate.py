"""Module state that two routes share: one counter a process."""

from __future__ import annotations

import itertools
import os

_numbers = itertools.count(1)


def inc() -> int:
    """The next number; the process id keeps two workers apart, so that equal numbers mean a module loaded twice."""
    return os.getpid() * 1_000_000 + next(_numbers)
