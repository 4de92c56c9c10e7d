"""The one timer of a worker: it looks at every connection about once a second, and keeps the time of day.

A connection stores a deadline as a plain number, so a request costs no timer object. Times are therefore coarse: a
limit strikes up to one tick late, never early. Knows nothing of HTTP but the Date header.
Source: RFC 9110 section 5.6.7 (Date).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from waypost.http.date import http_date
from waypost.server.limits import ServerLimits

NEVER = float("inf")


class Watched(Protocol):
    """Something with a deadline."""

    deadline: float

    def check(self, now: float) -> None:
        """Called at a tick past `deadline`; may set another."""


class Clock:
    """Coarse time. now: of the event loop, at the last tick; date: the Date header line with its line end.

    late: seconds by which the last tick came too late, which is how long the loop was blocked.
    """

    __slots__ = ("_handle", "_loop", "_on_tick", "_watched", "date", "heads", "late", "now", "tick")

    def __init__(self, loop: asyncio.AbstractEventLoop, watched: Iterable[Watched], tick: float = 1.0) -> None:
        self._loop = loop
        self._watched = watched
        self._on_tick: list[Callable[[], None]] = []
        self._handle: asyncio.TimerHandle | None = None
        self.tick = tick
        self.late = 0.0
        self.now = loop.time()
        self.date = b""
        # Status line and Date of each status seen this second: made once, sent many times.
        self.heads: dict[int, bytes] = {}
        self._tell_time()

    def start(self) -> None:
        self._handle = self._loop.call_later(self.tick, self._tick)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def every_tick(self, callback: Callable[[], None]) -> None:
        self._on_tick.append(callback)

    def after(self, seconds: float) -> float:
        """A deadline that is not before `seconds` from now; NEVER for 0."""
        # `now` may be a tick old: without it a limit could strike early.
        return self.now + self.tick + seconds if seconds else NEVER

    def _tell_time(self) -> None:
        date = b"date: " + http_date(time.time()).encode("ascii") + b"\r\n"
        if date != self.date:
            self.date = date
            self.heads.clear()

    def _tick(self) -> None:
        now = self._loop.time()
        self.late = max(0.0, now - self.now - self.tick)
        self.now = now
        # Armed first: a callback that raises must not stop time for every connection of the worker.
        self._handle = self._loop.call_later(self.tick, self._tick)
        self._tell_time()
        for watched in [item for item in self._watched if item.deadline <= now]:
            watched.check(now)
        for callback in self._on_tick:
            callback()


def tick_for(limits: ServerLimits) -> float:
    """A tick that is fine enough for the shortest limit: at most 1 s, at least 20 ms."""
    shortest = min(
        (
            value
            for value in (
                limits.header_timeout,
                limits.body_timeout,
                limits.keep_alive_timeout,
                limits.write_timeout,
                limits.stream_timeout,
                limits.handler_timeout,
                limits.websocket_ping_interval,
                limits.websocket_ping_timeout,
                limits.websocket_idle_timeout,
                limits.websocket_close_timeout,
            )
            if value
        ),
        default=4.0,
    )
    return max(0.02, min(1.0, shortest / 4))
