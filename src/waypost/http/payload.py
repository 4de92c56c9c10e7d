"""What a Response carries when it is not plain bytes: streams and files.

BodyStream: bytes that come bit by bit. FilePayload: a range of a file, which a server may send without copying.
Knows no response and no server.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from waypost.errors import BodyUsedError, InvalidResponseError
from waypost.http.file_reading import read_file
from waypost.http.streams import ReadableStream, StreamIterator

Chunk: TypeAlias = "bytes | bytearray | memoryview | str"

# Small pieces of a stream go out together, until so many bytes or seconds were collected: one that computes long
# without waiting still sends as it goes.
TOGETHER: Final = 65_536
PATIENCE: Final = 0.005
_END = object()
_STREAMS: Final = (ReadableStream, StreamIterator)  # a union would be made anew each time it is asked for


def encode_chunk(chunk: Any) -> bytes:
    """Bytes of one streamed chunk; str is sent as UTF-8."""
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, bytearray | memoryview):
        return bytes(chunk)
    raise InvalidResponseError(f"a stream must give bytes or str, not {type(chunk).__name__}")


class BodyStream:
    """A body that is sent as it comes, once.

    source: gives bytes or str. length: the number of bytes if known, which then is the Content-Length.
    """

    __slots__ = ("_closed", "_on_close", "_taken", "length", "source")

    def __init__(
        self,
        source: AsyncIterable[Any],
        *,
        length: int | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.source = source
        self.length = length
        self._on_close = on_close
        self._taken = False
        self._closed = False

    def take(self) -> AsyncIterator[Any]:
        """The source's iterator, for the one who sends it. Raises BodyUsedError the second time.

        Without that error a Response object returned twice would be an empty 200.
        """
        if self._taken:
            raise BodyUsedError("this Response was already sent: its body is a stream and can be sent once")
        self._taken = True
        # Kept, so that aclose() reaches the very iterator that is being read.
        self.source = iterator = self.source.__aiter__()
        return iterator

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.take():
            yield encode_chunk(chunk)

    async def aclose(self, reason: BaseException | None = None) -> None:
        """End the source: its `finally` blocks run, its file is closed. May be called more than once.

        reason: why, for the `cancel(reason)` of a ReadableStream's source.
        """
        if self._closed:
            return
        self._closed = True
        try:
            source = self.source
            if isinstance(source, _STREAMS):
                await source.cancel(reason)
            elif (close := getattr(source, "aclose", None)) is not None:
                await close()
        finally:
            if self._on_close is not None:
                self._on_close()


class FilePayload(BodyStream):
    """`length` bytes of the open file `fd`, from `offset` on; the file is closed with the payload.

    path: only for a whole file that stays where it is, so that a server may open it once more, and later.
    """

    __slots__ = ("fd", "offset", "path")

    length: int

    def __init__(self, fd: int, offset: int, length: int, path: str | None = None) -> None:
        self.fd = fd
        self.offset = offset
        self.path = path
        super().__init__(self._read(), length=length, on_close=self.close)

    def close(self) -> None:
        """Close the file. May be called more than once."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)

    async def _read(self) -> AsyncIterator[bytes]:
        # Not a bound iterator: offset and length may still change until the first byte is asked for.
        async for chunk in read_file(self, self.offset, self.offset + self.length):
            yield chunk

    def __del__(self) -> None:
        self.close()


def _advance(iterator: Iterator[Any]) -> Any:
    return next(iterator, _END)


def from_iterable(items: Iterable[Any]) -> BodyStream:
    """A stream over a plain iterable, which is advanced in a worker thread and closed with the stream."""
    iterator = iter(items)
    step: asyncio.Future[Any] | None = None

    async def chunks() -> AsyncIterator[Any]:
        nonlocal step
        loop = asyncio.get_running_loop()
        run = contextvars.copy_context().run

        def advance() -> Any:
            return run(_advance, iterator)

        while True:
            step = loop.run_in_executor(None, advance)
            # Cancelling can't stop the thread; without the shield close() would not know that it still runs.
            item = await asyncio.shield(step)
            if item is _END:
                return
            yield item

    def end(step: asyncio.Future[Any] | None = None) -> None:
        if step is not None and not step.cancelled():
            step.exception()  # nobody is there for it any more
        for thing in (iterator, items):
            ending = getattr(thing, "close", None)
            if ending is not None:
                ending()

    def close() -> None:
        if step is None or step.done():
            end()
        else:
            step.add_done_callback(end)  # a generator that runs can't be closed

    return BodyStream(chunks(), on_close=close)
