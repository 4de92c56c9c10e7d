"""Turns: with many requests at once, the handlers of one turn of the event loop run first, then all answers are sent.

Under an ASGI server each message is a system call, and often wakes a client that sleeps: between two handlers that
costs more than behind all of them. The counterpart of server/arrivals.py.
"""

from __future__ import annotations

import types
from collections.abc import Generator
from time import perf_counter
from typing import Final

from waypost.crowd import Crowd

QUICK: Final = 0.0002  # seconds a request; where handlers take longer, none is to wait for the others


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let everything run that is ready to."""
    yield


class Turns:
    """The turns of one application's loop. crowd: `counted` by who serves, when a request begins."""

    __slots__ = ("_led", "crowd")

    def __init__(self) -> None:
        self.crowd = Crowd()
        self._led = False  # whether one of this turn sees how many the others are

    @property
    def waits(self) -> bool:
        """Whether an answer that is ready waits for end()."""
        return self.crowd.many or self.crowd.looks

    async def end(self) -> None:
        """Wait for the handlers that are ready to run."""
        if self._led:
            await _turn()
            return
        self._led = True
        before, began = self.crowd.counted, perf_counter()
        try:
            await _turn()
        finally:
            self._led = False
        others = self.crowd.counted - before
        self.crowd.saw(others, quick=perf_counter() - began < others * QUICK)
