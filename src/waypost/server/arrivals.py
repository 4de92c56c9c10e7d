"""Arrivals: what came in one turn of the event loop is taken once all its sockets were read.

Reading one socket and running one handler in turn sends the processor from the kernel's code to the handlers' and back
for each request, and neither finds its caches as it left them. The answers go out no later: the transports write at the
end of the turn in either case.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

logger = logging.getLogger("waypost.server")

FEW = 16  # connections; with fewer the extra turn of the loop costs more than it saves


class Waiting(Protocol):
    """A connection that has been given bytes."""

    def take_arrived(self) -> None:
        """Take them. Nothing happens when they were taken already."""

    def abort(self) -> None:
        """Cut the connection."""


class Arrivals:
    """The connections of one worker whose bytes wait for the end of the turn."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Waiting] = []

    def add(self, connection: Waiting) -> None:
        if not self._waiting:
            self._loop.call_soon(self._take)
        self._waiting.append(connection)

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.take_arrived()
            except Exception:  # of one connection: the others have nothing to do with it
                logger.exception("a connection failed")
                connection.abort()
