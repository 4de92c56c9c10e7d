"""Turns: with many requests at once, the handlers of one turn of the event loop run first, then all answers are sent.

Under an ASGI server each message is a system call, and often wakes a client that sleeps: between two handlers that
costs more than behind all of them. The counterpart of server/arrivals.py.
"""

from __future__ import annotations

import types
from collections.abc import Generator
from time import perf_counter

MANY = 8  # requests in one turn
QUICK = 0.0002  # seconds a request; where handlers take longer, none is to wait for the others
_FEW_IN_A_ROW = 8  # turns
_LOOK_EVERY = 61  # requests; a prime, so that it is another place in the turn each time


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let everything run that is ready to."""
    yield


class Turns:
    """How many requests one turn of the loop has, and whether their answers wait for its end."""

    __slots__ = ("_few", "_led", "begun")

    def __init__(self) -> None:
        self.begun = 0  # requests
        self._few = _FEW_IN_A_ROW  # turns since the last with many
        self._led = False  # whether one of this turn counts the others

    @property
    def waits(self) -> bool:
        """Whether an answer that is ready waits for end()."""
        return self._few < _FEW_IN_A_ROW or self.begun % _LOOK_EVERY == 0

    async def end(self) -> None:
        """Wait for the handlers that are ready to run."""
        if self._led:
            await _turn()
            return
        self._led = True
        before, began = self.begun, perf_counter()
        try:
            await _turn()
        finally:
            self._led = False
        count = self.begun - before
        if count < MANY:
            self._few += 1
        else:
            self._few = 0 if perf_counter() - began < count * QUICK else _FEW_IN_A_ROW
