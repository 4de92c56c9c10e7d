"""Arrivals: with many requests at once, sockets are read first, then the handlers run, then answers are written.

One request after the other sends the processor from the kernel's code to the handlers' and back for each, and neither
finds its caches as it left them; and a client that sleeps is woken for each answer, which costs more than to write it.
An answer waits for those behind it no longer than HOLD, and for one handler.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias

from waypost.crowd import Crowd

if TYPE_CHECKING:
    from waypost.server.reading import MessageReader

logger = logging.getLogger("waypost.server")

HOLD: Final = 0.0005  # seconds for which answers are collected

Answers: TypeAlias = "list[tuple[MessageReader, bytes]]"


class Arrivals:
    """The connections of one worker whose bytes wait for the end of the loop's turn."""

    __slots__ = ("_loop", "_waiting", "crowd")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.crowd = Crowd()
        self._loop = loop
        self._waiting: list[MessageReader] = []

    def add(self, connection: MessageReader) -> bool:
        """Whether the bytes that a connection was given wait; if so, its `take_arrived` is called."""
        crowd = self.crowd
        if not crowd.many:
            crowd.counted += 1
            if crowd.looks:
                self._loop.call_soon(self._looked, crowd.counted)
            return False
        if not self._waiting:
            self._loop.call_soon(self._take)
        self._waiting.append(connection)
        return True

    def _looked(self, before: int) -> None:
        self.crowd.saw(self.crowd.counted - before)

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        self.crowd.saw(len(waiting))
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


def _give_up(connection: MessageReader) -> None:
    """After an exception: the other connections have nothing to do with it."""
    logger.exception("a connection failed")
    connection.abort()
