"""Arrivals: with many requests at once, sockets are read first, then the handlers run, then answers are written.

One request after the other sends the processor from the kernel's code to the handlers' and back for each, and neither
finds its caches as it left them; and a client that sleeps is woken for each answer, which costs more than to write it.
An answer waits for those behind it no longer than HOLD, and for one handler.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import Protocol, TypeAlias

logger = logging.getLogger("waypost.server")

MANY = 8  # requests in one turn
_FEW_IN_A_ROW = 8  # turns with fewer
LOOK_EVERY = 61  # requests; a prime, so that it is another place in the turn each time
HOLD = 0.0005  # seconds for which answers are collected


class Waiting(Protocol):
    """A connection that has been given bytes."""

    def take_arrived(self, answers: Answers | None = None) -> None:
        """Take them; an answer that is there at once may go to `answers`. Nothing happens when they are taken."""

    def deliver(self, answer: bytes) -> None:
        """Write an answer that was collected."""

    def abort(self) -> None:
        """Cut the connection."""


Answers: TypeAlias = "list[tuple[Waiting, bytes]]"


class Arrivals:
    """What the connections of one worker were given in one turn of the event loop.

    together: whether bytes are collected, through add(). Few requests at a time would lose more by the extra turn than
    they gain; then each is counted in `alone`, and look() is called at every LOOK_EVERY of them.
    """

    __slots__ = ("_few", "_loop", "_mark", "_waiting", "alone", "together")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Waiting] = []
        self._few = self._mark = self.alone = 0
        self.together = False

    def add(self, connection: Waiting) -> None:
        if not self._waiting:
            self._loop.call_soon(self._take)
        self._waiting.append(connection)

    def look(self) -> None:
        """Find out how many come with the one that came last."""
        self._mark = self.alone
        self._loop.call_soon(self._looked)

    def _looked(self) -> None:
        if self.alone - self._mark >= MANY:
            self.together = True
            self._few = 0

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._few = 0 if len(waiting) >= MANY else self._few + 1
        if self._few >= _FEW_IN_A_ROW:
            self.together = False
        answers: Answers = []
        began = perf_counter()
        for connection in waiting:
            try:
                connection.take_arrived(answers)
            except Exception:
                _give_up(connection)
            if answers and perf_counter() - began > HOLD:
                _deliver(answers)
                answers.clear()
                began = perf_counter()
        _deliver(answers)


def _deliver(answers: Answers) -> None:
    for connection, answer in answers:
        try:
            connection.deliver(answer)
        except Exception:
            _give_up(connection)


def _give_up(connection: Waiting) -> None:
    """After an exception: the other connections have nothing to do with it."""
    logger.exception("a connection failed")
    connection.abort()
