"""RequestBody: the bytes of one request, pushed in by a server and pulled out by a handler.

Knows neither sockets nor forms. The server pushes with feed/finish/fail; a handler reads the whole (repeatable) or
takes the chunks (once). The limit is kept here, so no reader can get past it, and a body that broke off raises: it
never looks complete.
Source: Fetch standard, Body mixin.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from waypost.errors import BodyTooLarge, BodyUsedError

UNREAD, WHOLE, STREAM = range(3)  # what a body was asked for
HIGH_WATER = 65_536  # bytes waiting unread before the sender is asked to pause


class RequestBody(msgspec.Struct, eq=False):
    """The body of one request. A Struct, since these are made in half the time.

    declared: the Content-Length, None for a chunked body. limit: bytes, None for no limit. limit_when_read: the limit
    for a reader who comes before a route has set one; a body that nobody reads is not held to it.
    on_pause: called with True when more than HIGH_WATER bytes wait unread, with False when they are gone.
    on_demand: called once, at the first read (a server then answers `Expect: 100-continue`).
    """

    declared: int | None = None
    _on_pause: Callable[[bool], None] | None = None
    on_demand: Callable[[], None] | None = None
    limit: int | None = None
    limit_when_read: int | None = None
    received: int = 0
    _use: int = UNREAD
    _data: bytes | None = None
    _complete: bool = False
    _error: BaseException | None = None
    _chunks: deque[bytes] | None = None
    _waiting: int = 0
    _paused: bool = False
    _waiters: list[asyncio.Future[None]] | None = None

    @staticmethod
    def of(data: bytes) -> RequestBody:
        """A body that is already here."""
        return RequestBody(len(data), received=len(data), _data=data, _complete=True)

    # -- the server's side

    def feed(self, chunk: bytes) -> None:
        """Add a chunk; bytes past the limit are dropped and reported to the reader."""
        self.received += len(chunk)
        if self._error is not None:
            return
        if self.limit is not None and self.received > self.limit:
            self.fail(BodyTooLarge(_too_large(self.limit)))
            return
        if self._chunks is None:
            self._chunks = deque()
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting > HIGH_WATER and self._use is not WHOLE and not self._paused and self._on_pause is not None:
            self._paused = True
            self._on_pause(True)
        if self._waiters is not None:
            self._wake()

    def finish(self) -> None:
        self._complete = True
        if self._waiters is not None:
            self._wake()

    def fail(self, error: BaseException) -> None:
        """End the body with an error; what was not read yet is dropped. Nothing happens if it was complete."""
        if self._complete or self._error is not None:
            return
        self._error = error
        self._chunks = None
        self._waiting = 0
        self._resume()
        if self._waiters is not None:
            self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    # -- the reader's side

    @property
    def complete(self) -> bool:
        """Whether the last byte has come (it may still be unread)."""
        return self._complete

    @property
    def waiting(self) -> int:
        """Bytes that have come and that no reader of chunks has taken yet."""
        return self._waiting

    @property
    def taken(self) -> bool:
        """Whether the chunks were handed out as a stream."""
        return self._use is STREAM

    async def read(self) -> bytes:
        """The whole body; it is kept, so that it can be read again, by several tasks at once too.

        Raises BodyTooLarge past the limit, ClientDisconnected when it broke off, BodyUsedError after chunks().
        """
        if self._use is STREAM:
            raise BodyUsedError("the body was taken as a stream: read it once, or read it whole first")
        if self._use is UNREAD:
            # From here on the chunks collect up to the limit; a pause would never end: nobody takes them one by one.
            self._use = WHOLE
            if self.limit_when_read is not None or self.on_demand is not None:
                self._demand()
            if self._paused:
                self._resume()
        elif self._data is not None:
            return self._data
        if self._error is not None or (self.limit is not None and self.received > self.limit):
            self._check()  # raises
        while not self._complete:
            await self._more()
            if self._error is not None:
                raise self._error
        if self._data is None:
            chunks, self._chunks = self._chunks or (b"",), None
            self._data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self._data

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, once; after read() the kept bytes in one piece."""
        if self._use is STREAM:
            raise BodyUsedError("the body was already taken as a stream")
        if self._use is WHOLE and self._data is not None:
            if self._data:
                yield self._data
            return
        self._use = STREAM
        self._demand()
        if self._data is not None:
            self._check()
            data, self._data = self._data, None
            yield data
            return
        while (chunk := await self._next()) is not None:
            yield chunk

    def _demand(self) -> None:
        if self.limit is None and self.limit_when_read is not None:
            self.limit = self.limit_when_read
            if self.declared is not None and self.declared > self.limit:
                self.fail(BodyTooLarge(_too_large(self.limit)))
        if self.on_demand is not None:
            on_demand, self.on_demand = self.on_demand, None
            on_demand()

    async def _next(self) -> bytes | None:
        self._check()
        while not self._chunks:
            if self._complete:
                return None
            await self._more()
            self._check()
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        if self._paused and self._waiting <= HIGH_WATER // 2:
            self._resume()
        return chunk

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        # The limit is known only once a route has matched: bytes that came earlier are judged here.
        if self.limit is not None and self.received > self.limit:
            raise BodyTooLarge(_too_large(self.limit))

    async def _more(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def _resume(self) -> None:
        if self._paused and self._on_pause is not None:
            self._paused = False
            self._on_pause(False)


def _too_large(limit: int) -> str:
    return f"Request body is larger than {limit} bytes"
