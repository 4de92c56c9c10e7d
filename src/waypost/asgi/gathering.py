"""Gathered: what a stream gives without waiting, in one message.

A server makes a system call of each message at least: a hundred events that are there at once would cost a hundred,
several times what joining them does. Nothing is held back: as soon as the stream waits for something, what was gathered
goes out. Knows no ASGI but the message.
Source: ASGI specification 3.0, `http.response.body`.
"""

from __future__ import annotations

import types
from collections.abc import Coroutine, Generator
from time import monotonic
from typing import Any

from waypost.asgi.messages import Send
from waypost.http.payload import PATIENCE, TOGETHER

_LOOK = 16  # pieces between two looks at the clock


class Gathered:
    """The pieces of one streamed answer that were not sent yet."""

    __slots__ = ("_pieces", "_send", "_since", "_size")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._pieces: list[bytes] = []
        self._size = 0
        self._since = 0.0

    def add(self, piece: bytes) -> bool:
        """Keep a piece. Gives whether it is time to flush: much was gathered, or for long."""
        pieces = self._pieces
        if not pieces:
            self._since = monotonic()
        pieces.append(piece)
        self._size += len(piece)
        return self._size >= TOGETHER or (len(pieces) % _LOOK == 0 and monotonic() - self._since > PATIENCE)

    async def flush(self) -> None:
        """Send what was gathered."""
        if self._pieces:
            await self._send({"type": "http.response.body", "body": self._taken(), "more_body": True})

    async def finish(self) -> None:
        """Send what was gathered: it is the end of the answer."""
        await self._send({"type": "http.response.body", "body": self._taken(), "more_body": False})

    def _taken(self) -> bytes:
        pieces, self._pieces, self._size = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@types.coroutine
def finished(
    step: Generator[Any, Any, Any], waiting: Any, meanwhile: Coroutine[Any, Any, None]
) -> Generator[Any, Any, Any]:
    """Await `meanwhile`, then what is left of `step`, which was begun and gave `waiting`; gives its result.

    What is raised meanwhile, a cancellation above all, is raised in `step`: that is where the task seems to wait.
    """
    error: BaseException | None = None
    try:
        yield from meanwhile
        yield waiting
    except BaseException as raised:
        error = raised
    while error is not None:
        try:
            waiting = step.throw(error)
        except StopIteration as given:
            return given.value
        try:
            yield waiting
            error = None
        except BaseException as raised:
            error = raised
    return (yield from step)
