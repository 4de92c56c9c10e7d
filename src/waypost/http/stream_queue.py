"""The chunks between a stream's source and its reader, and the controller through which the source fills them.

ChunkQueue keeps what was enqueued and who waits for it, and the state: readable, then closed or errored, for good.
Knows neither sources nor locks.
Source: Streams standard, sections 4.5 and 4.7.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from waypost.errors import AbortError

#: What ChunkQueue.next() gives at the end; never a chunk.
DONE: Any = object()


def as_error(reason: Any) -> BaseException:
    """What a broken stream raises for `reason`: an exception itself, anything else in an AbortError."""
    if isinstance(reason, asyncio.CancelledError):
        # It ends the task that was cancelled. Raised in another, which nobody cancelled, it would end that in silence.
        return AbortError("the work for the stream was cancelled")
    return reason if isinstance(reason, BaseException) else AbortError(reason)


class ChunkQueue:
    """A first-in first-out queue with a high-water mark that is advice, not a limit.

    on_change: called whenever there may be room for a chunk.
    """

    __slots__ = ("_chunks", "_on_change", "_readers", "_size", "_writers", "closing", "error", "mark", "state", "total")

    def __init__(self, mark: float, size: Callable[[Any], float] | None, on_change: Callable[[], None]) -> None:
        self.mark = mark
        self._size = size
        self._on_change = on_change
        self._chunks: deque[tuple[Any, float]] = deque()
        self.total: float = 0
        self.state = "readable"
        self.error: BaseException | None = None
        self.closing = False
        self._readers: deque[asyncio.Future[Any]] = deque()
        self._writers: list[asyncio.Future[None]] = []

    def wants_chunk(self) -> bool:
        """Whether the source should be asked for more."""
        return self.state == "readable" and not self.closing and (bool(self._readers) or self.total < self.mark)

    def put(self, chunk: Any) -> None:
        """Add a chunk. Raises TypeError after the end."""
        if self.closing or self.state != "readable":
            raise TypeError(f"can't enqueue: the stream is {'closed' if self.error is None else 'errored'}")
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(chunk)
                break
        else:
            size = 1 if self._size is None else self._size(chunk)
            self._chunks.append((chunk, size))
            self.total += size
        self._on_change()

    def close(self) -> None:
        """End the queue once it is empty. Raises TypeError after the end."""
        if self.closing or self.state != "readable":
            raise TypeError("can't close: the stream has ended")
        self.closing = True
        if not self._chunks:
            self._end("closed")
        else:
            self._wake_writers()

    def fail(self, error: BaseException) -> None:
        """Drop what waits and let every read raise `error`; does nothing after the end."""
        if self.state == "readable":
            self.error = error
            self._end("errored")

    def drop(self) -> None:
        """Drop what waits and end."""
        self._end("closed")

    def _end(self, state: str) -> None:
        self.state = state
        self._chunks.clear()
        self.total = 0
        readers, self._readers = self._readers, deque()
        for reader in readers:
            if reader.done():
                continue
            if self.error is None:
                reader.set_result(DONE)
            else:
                reader.set_exception(self.error)
        self._wake_writers()

    async def next(self) -> Any:
        """The next chunk, or DONE. Raises the error of fail()."""
        chunks = self._chunks
        if chunks:
            chunk, size = chunks.popleft()
            self.total -= size
            if self.closing and not chunks:
                self._end("closed")
            else:
                self._wake_writers()
                self._on_change()
            return chunk
        if self.error is not None:
            raise self.error
        if self.state == "closed":
            return DONE
        reader: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._readers.append(reader)
        self._wake_writers()
        self._on_change()
        try:
            return await reader
        except asyncio.CancelledError:
            self._take_back(reader)
            raise

    def _take_back(self, reader: asyncio.Future[Any]) -> None:
        # The reader was cancelled in the same moment as its chunk came: the next read must find the chunk.
        if reader.cancelled() or not reader.done() or reader.exception() is not None:
            return
        chunk = reader.result()
        if chunk is not DONE and self.state == "readable":
            size = 1 if self._size is None else self._size(chunk)
            self._chunks.appendleft((chunk, size))
            self.total += size

    def refuse_readers(self, error: BaseException) -> None:
        """Let the reads that wait raise `error`; the queue stays as it is."""
        readers, self._readers = self._readers, deque()
        for reader in readers:
            if not reader.done():
                reader.set_exception(error)

    async def room(self) -> None:
        """Return when a reader waits, nothing or less than the mark is unread, or at the end."""
        while self.state == "readable" and not self.closing and self._chunks and self.total >= self.mark:
            writer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._writers.append(writer)
            await writer

    def _wake_writers(self) -> None:
        if self._writers:
            for writer in self._writers:
                if not writer.done():
                    writer.set_result(None)
            self._writers.clear()


class _Room:
    """What enqueue gives back: awaited, it waits until the stream has room."""

    __slots__ = ("_queue",)

    def __init__(self, queue: ChunkQueue) -> None:
        self._queue = queue

    def __await__(self) -> Generator[Any, None, None]:
        return self._queue.room().__await__()


class ReadableStreamDefaultController:
    """The source's handle on its stream."""

    __slots__ = ("_queue", "_room")

    def __init__(self, queue: ChunkQueue) -> None:
        self._queue = queue
        self._room = _Room(queue)

    @property
    def desired_size(self) -> float | None:
        """How much room there is, negative when too much waits; 0 once closed, None once errored."""
        queue = self._queue
        if queue.state == "readable":
            return queue.mark - queue.total
        return 0 if queue.state == "closed" else None

    @property
    def wants_chunk(self) -> bool:
        """Whether `pull` would be called now: a reader waits, or there is room, and the stream has not ended."""
        return self._queue.wants_chunk()

    async def ready(self) -> None:
        """Return when there is room, or at the end of the stream."""
        await self._queue.room()

    def enqueue(self, chunk: Any) -> Awaitable[None]:
        """Give a chunk; `await` the result to wait for room. Raises TypeError once the stream has ended."""
        self._queue.put(chunk)
        return self._room

    def close(self) -> None:
        """End the stream after what waits was read. Raises TypeError when it has ended."""
        self._queue.close()

    def error(self, reason: Any = None) -> None:
        """Break the stream: what waits is dropped, readers get `reason`, in an AbortError unless it is an exception."""
        self._queue.fail(as_error(reason))
