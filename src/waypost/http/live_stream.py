"""LiveStream: a body made of events that may be long in coming: comments while it is silent, an end when it must end.

The source runs in one task from its first step to its `finally`, a few KiB ahead of the reader at most. Server-sent
events and AI streams are built on it. Knows no event format: its user says how an event becomes bytes.
Source: HTML standard, section 9.2 (comments keep old proxies from closing a silent connection).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from waypost.http.payload import BodyStream, from_iterable
from waypost.http.signal import AbortSignal

KEEP_ALIVE = b": keep-alive\n\n"
_AHEAD = 16_384  # bytes that may be made before anyone reads them


class LiveStream(BodyStream):
    """Bytes of `encode(event)` for each event of `source`, which is an async or a plain iterable (read in a thread).

    heartbeat: seconds of silence after which a comment is sent; None for no comments. signal: ends the stream in good
    order when it is aborted, the source's `finally` blocks run. first: bytes sent before anything else. last: bytes
    sent at the end when it was the signal that ended it.
    """

    __slots__ = ()

    def __init__(
        self,
        source: AsyncIterable[Any] | Iterable[Any],
        encode: Callable[[Any], bytes],
        *,
        heartbeat: float | None,
        signal: AbortSignal | None = None,
        first: bytes = b"",
        last: bytes = b"",
    ) -> None:
        super().__init__(_Frames(source, encode, heartbeat, signal, first, last))


class _Frames:
    """The iterator of a LiveStream: what the pump task made and the reader has not taken."""

    __slots__ = (
        "_clock", "_close", "_context", "_done", "_encode", "_ended", "_error", "_farewell", "_heartbeat", "_in_order",
        "_last", "_pump", "_ready", "_room", "_signal", "_size", "_source", "_waiter",
    )  # fmt: skip

    def __init__(
        self,
        source: AsyncIterable[Any] | Iterable[Any],
        encode: Callable[[Any], bytes],
        heartbeat: float | None,
        signal: AbortSignal | None,
        first: bytes,
        last: bytes,
    ) -> None:
        self._farewell = last
        self._source, self._close = _open(source)
        self._encode = encode
        self._heartbeat = heartbeat
        self._signal = signal
        # The source sees what the handler sees: headers(), the request's id, the trace.
        self._context = contextvars.copy_context()
        self._ready: list[bytes] = [first] if first else []
        self._size = len(first)
        self._last = 0.0
        self._done = self._ended = self._in_order = False
        self._error: BaseException | None = None
        self._pump: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._clock: asyncio.TimerHandle | None = None

    def __aiter__(self) -> _Frames:
        return self

    async def __anext__(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._pump is None and not self._ended:
            self._start(loop)
        while not self._ready:
            if self._done:
                self._release()
                error, self._error = self._error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            self._waiter = loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        self._size = 0
        self._last = loop.time()
        _set(self._room)
        return data

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        signal = self._signal
        if signal is not None:
            if signal.aborted:
                self._ended = self._done = True
                self._say_farewell()
                return
            signal.add_event_listener("abort", self._end_in_order)
        self._pump = loop.create_task(self._run(), context=self._context)
        self._pump.add_done_callback(self._finished)
        if self._heartbeat is not None:
            self._last = loop.time()
            self._clock = loop.call_later(self._heartbeat, self._tick)

    async def _run(self) -> None:
        try:
            async for event in self._source:
                if self._ended:
                    break  # it caught its cancellation and went on
                data = self._encode(event)
                self._ready.append(data)
                self._size += len(data)
                _set(self._waiter)
                if self._size >= _AHEAD:
                    self._room = asyncio.get_running_loop().create_future()
                    try:
                        await self._room
                    finally:
                        self._room = None
        finally:
            await self._close_source()

    def _finished(self, pump: asyncio.Task[None]) -> None:
        self._done = True
        if self._in_order:
            self._say_farewell()
        if not pump.cancelled():
            self._error = pump.exception()
        elif not self._ended:
            # By the source's own doing. A stream that breaks off must not look complete.
            self._error = asyncio.CancelledError("the source of the stream was cancelled")
        _set(self._waiter)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._heartbeat is not None
        due = self._last + self._heartbeat
        # A reader that does not wait is one whose client does not read: for that one comments would only pile up.
        if loop.time() >= due - 0.001:
            if self._waiter is not None and not self._ready:
                self._ready.append(KEEP_ALIVE)
                _set(self._waiter)
            due = loop.time() + self._heartbeat
        self._clock = loop.call_at(due, self._tick)

    def _end_in_order(self) -> None:
        self._in_order = not self._ended
        self._end()

    def _say_farewell(self) -> None:
        if self._farewell:
            self._ready.append(self._farewell)

    def _end(self) -> None:
        """Make no more events. What was made is still read, and then the end."""
        self._ended = True
        self._release()
        if self._pump is None:
            self._done = True
        elif not self._pump.done():
            self._pump.cancel()

    def _release(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._signal is not None:
            self._signal.remove_event_listener("abort", self._end_in_order)

    async def _close_source(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            await close()

    async def aclose(self) -> None:
        """End the source and wait for its `finally` blocks."""
        self._end()
        if self._pump is not None and not self._pump.done():
            await asyncio.wait([self._pump])
        await self._close_source()  # of a pump that was cancelled before its first step


def _open(source: AsyncIterable[Any] | Iterable[Any]) -> tuple[AsyncIterator[Any], Callable[[], Awaitable[Any]] | None]:
    """The iterator of a source, and what closes it."""
    if isinstance(source, AsyncIterable):
        iterator = source.__aiter__()
        return iterator, getattr(iterator, "aclose", None)
    stream = from_iterable(source)
    return stream.take(), stream.aclose


def _set(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
