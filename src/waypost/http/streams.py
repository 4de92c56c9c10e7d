"""ReadableStream: the Web's stream of chunks, as far as a server needs it.

Chunks are any values; who sends a stream wants bytes or str. Nothing runs ahead without bound by itself: `pull` is
called only while there is room, and a `start` that makes everything can `await controller.enqueue(chunk)`, which
waits for room (the Web's own enqueue never waits; without `await` this one doesn't either).
A stream belongs to the event loop that reads it. Knows no HTTP.
Source: Streams standard, section 4.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, NamedTuple, Protocol

from waypost.errors import AbortError
from waypost.http.stream_queue import DONE, ChunkQueue, ReadableStreamDefaultController
from waypost.http.stream_sources import IterableSource, SourceMethod, TeeSource, call_method, source_method


class ReadResult(NamedTuple):
    """What a reader's read() gives: a chunk, or done."""

    value: Any
    done: bool


class Transform(Protocol):
    """What `pipe_through` takes; TransformStream is one."""

    def connect(self, source: ReadableStream) -> ReadableStream: ...


class Sink(Protocol):
    """What `pipe_to` takes; WritableStream is one."""

    async def write(self, chunk: Any) -> None: ...
    async def close(self) -> None: ...
    async def abort(self, reason: Any = None) -> None: ...


class ReadableStream:
    """A stream of chunks for one reader.

    source: an object or mapping with any of `start(controller)`, `pull(controller)`, `cancel(reason)`; the same three
    as keywords. Each may be a plain or a coroutine function. start runs at construction (a coroutine: as a task, at
    the first read when no loop runs yet), pull whenever there is room or a reader waits, cancel once, when the reader
    leaves early; the task of a start or pull still running is cancelled then, so that its `finally` runs.
    high_water_mark: how much may wait unread, in units of size(chunk), by default one per chunk.

    Reading: `async for chunk in stream`, or `get_reader()`. Either locks the stream.
    """

    __slots__ = (
        "_cancel_source", "_pull_again", "_pull_source", "_pulling", "_queue", "_reader", "_started", "_starting",
        "_task", "controller",
    )  # fmt: skip

    def __init__(
        self,
        source: object = None,
        *,
        start: SourceMethod | None = None,
        pull: SourceMethod | None = None,
        cancel: SourceMethod | None = None,
        high_water_mark: float = 1,
        size: Callable[[Any], float] | None = None,
    ) -> None:
        start = start or source_method(source, "start")
        self._pull_source = pull or source_method(source, "pull")
        self._cancel_source = cancel or source_method(source, "cancel")
        self._queue = ChunkQueue(high_water_mark, size, self._advance)
        self._started = self._pulling = self._pull_again = False
        self._starting: Awaitable[None] | None = None
        self._task: asyncio.Future[None] | None = None
        self._reader: ReadableStreamDefaultReader | None = None
        self.controller = ReadableStreamDefaultController(self._queue)
        result = start(self.controller) if start is not None else None
        if hasattr(result, "__await__"):
            self._starting = result
        else:
            self._started = True
        if _running_loop() is not None:
            self._advance()

    @classmethod
    def from_(cls, iterable: AsyncIterable[Any] | Iterable[Any]) -> ReadableStream:
        """A stream over an async or plain iterable, advanced only when a reader asks; cancel closes a generator.

        A str or bytes is one chunk. A plain iterable runs on the event loop: it must not block.
        """
        if isinstance(iterable, ReadableStream):
            return iterable
        return cls(IterableSource(iterable), high_water_mark=0)

    # -- reading

    @property
    def locked(self) -> bool:
        """Whether a reader has the stream."""
        return self._reader is not None

    def get_reader(self) -> ReadableStreamDefaultReader:
        """The reader, which locks the stream until release_lock(). Raises TypeError when it is locked."""
        if self._reader is not None:
            raise TypeError("the stream is locked: it already has a reader")
        self._reader = ReadableStreamDefaultReader(self)
        return self._reader

    def values(self, *, prevent_cancel: bool = False) -> StreamIterator:
        """An async iterator over the chunks. Leaving early cancels the stream unless prevent_cancel."""
        return StreamIterator(self.get_reader(), prevent_cancel)

    __aiter__ = values

    async def cancel(self, reason: Any = None) -> None:
        """Give the stream up: what waits is dropped, the source's cancel(reason) is called. TypeError when locked."""
        if self._reader is not None:
            raise TypeError("the stream is locked: cancel it through its reader")
        await self._cancel(reason)

    def tee(self) -> tuple[ReadableStream, ReadableStream]:
        """Two streams of the same chunks; this one stays locked. It is cancelled when both are.

        What one has read and the other has not is kept in memory, as in the Web.
        """
        tee = TeeSource(self.get_reader())
        first, second = (ReadableStream(tee.branch(index), high_water_mark=0) for index in (0, 1))
        tee.controllers = (first.controller, second.controller)
        return first, second

    def pipe_through(self, transform: Transform) -> ReadableStream:
        """The readable side of `transform`, fed with this stream; locks this stream."""
        return transform.connect(self)

    async def pipe_to(
        self,
        destination: Sink,
        *,
        prevent_close: bool = False,
        prevent_abort: bool = False,
        prevent_cancel: bool = False,
    ) -> None:
        """Write every chunk to `destination`, then close it.

        A failing source aborts the destination, a failing destination cancels the source; either is raised here.
        """
        reader = self.get_reader()
        try:
            while (chunk := await self._next_for(destination, prevent_abort)) is not DONE:
                try:
                    await destination.write(chunk)
                except BaseException as error:
                    if not prevent_cancel:
                        await self._cancel(error)
                    raise
            if not prevent_close:
                await destination.close()
        finally:
            reader.release_lock()

    async def _next_for(self, destination: Sink, prevent_abort: bool) -> Any:
        try:
            return await self._queue.next()
        except BaseException as error:
            if not prevent_abort:
                await destination.abort(error)
            raise

    # -- driving the source

    def _advance(self) -> None:
        """Start what can be started: the coroutine of start first, then pull."""
        if self._starting is not None:
            if _running_loop() is not None:
                starting, self._starting = self._starting, None
                self._run(starting)
            return
        if self._pull_source is None or not self._started:
            return
        if self._pulling:
            self._pull_again = True
            return
        while self._queue.wants_chunk():
            self._pulling = True
            self._pull_again = False
            try:
                result: Any = self._pull_source(self.controller)
            except Exception as error:
                self._pulling = False
                self._queue.fail(error)
                return
            if hasattr(result, "__await__"):
                self._run(result)
                return
            self._pulling = False
            # A pull that gave nothing is asked again when something changes; asking at once would spin.
            if not self._pull_again:
                return

    def _run(self, step: Awaitable[None]) -> None:
        # The source's own coroutine is the task: wrapped in one of ours, it would be a coroutine that was never
        # awaited whenever the stream is cancelled before the task's first step.
        self._task = task = asyncio.ensure_future(step)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Future[None]) -> None:
        if task.cancelled():
            # By somebody else than _cancel, after which fail() does nothing. A reader must not wait for ever.
            self._queue.fail(AbortError("the source of the stream was cancelled"))
            return
        error = task.exception()
        if error is not None:
            self._queue.fail(error)
            return
        self._started = True
        pulled, self._pulling = self._pulling, False
        if not pulled or self._pull_again:
            self._advance()

    async def _cancel(self, reason: Any) -> None:
        queue = self._queue
        if queue.error is not None:
            raise queue.error
        if queue.state == "closed":
            return
        queue.drop()
        starting: Any = self._starting
        self._starting = None
        if hasattr(starting, "close"):
            starting.close()  # a coroutine that never ran would warn
        cancel, self._cancel_source, self._pull_source = self._cancel_source, None, None
        task = self._task
        try:
            if task is not None and not task.done() and task is not asyncio.current_task():
                # The source's running step ends before its cancel() runs: a generator that runs can't be closed.
                task.cancel()
                await asyncio.wait([task])
        finally:
            await call_method(cancel, reason)

    def __repr__(self) -> str:
        return f"ReadableStream({self._queue.state}{', locked' if self.locked else ''})"


class ReadableStreamDefaultReader:
    """Reads a stream chunk by chunk and keeps it locked."""

    __slots__ = ("_stream",)

    def __init__(self, stream: ReadableStream) -> None:
        self._stream: ReadableStream | None = stream

    def _owned(self) -> ReadableStream:
        if self._stream is None:
            raise TypeError("the reader's lock was released")
        return self._stream

    async def read(self) -> ReadResult:
        """The next chunk as (value, done); (None, True) at the end. Raises the source's error."""
        chunk = await self._owned()._queue.next()
        return ReadResult(None, True) if chunk is DONE else ReadResult(chunk, False)

    async def next_chunk(self) -> Any:
        """read() without its pair: the next chunk, or stream_queue.DONE."""
        return await self._owned()._queue.next()

    async def cancel(self, reason: Any = None) -> None:
        """Cancel the stream, which stays locked."""
        await self._owned()._cancel(reason)

    def release_lock(self) -> None:
        """Give the stream back; reads that wait fail with TypeError."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream._reader = None
            stream._queue.refuse_readers(TypeError("the reader's lock was released"))


class StreamIterator:
    """Async iterator over a stream's chunks; cancel() and aclose() cancel the stream unless it has ended."""

    __slots__ = ("_prevent_cancel", "_reader")

    def __init__(self, reader: ReadableStreamDefaultReader, prevent_cancel: bool) -> None:
        self._reader: ReadableStreamDefaultReader | None = reader
        self._prevent_cancel = prevent_cancel

    def __aiter__(self) -> StreamIterator:
        return self

    async def __anext__(self) -> Any:
        if self._reader is None:
            raise StopAsyncIteration
        try:
            chunk = await self._reader.next_chunk()
        except asyncio.CancelledError:
            raise  # of the reading task: the stream goes on
        except BaseException:
            self._release()
            raise
        if chunk is DONE:
            self._release()
            raise StopAsyncIteration
        return chunk

    def _release(self) -> ReadableStream | None:
        """The stream if it must be cancelled now."""
        reader, self._reader = self._reader, None
        if reader is None:
            return None
        stream = reader._stream
        reader.release_lock()
        return None if stream is None or self._prevent_cancel or stream._queue.state != "readable" else stream

    async def cancel(self, reason: Any = None) -> None:
        """Leave: the source's cancel(reason) runs before this returns. Does nothing the second time."""
        stream = self._release()
        if stream is not None:
            await stream._cancel(reason)

    async def aclose(self) -> None:
        """cancel() without a reason, for `async for` and contextlib."""
        await self.cancel()

    def __del__(self) -> None:
        # `async for … : break` closes no iterator in Python; the Web's loop does.
        stream = self._release()
        loop = _running_loop()
        if stream is not None and loop is not None:
            task = loop.create_task(stream._cancel(None))
            _abandoned.add(task)
            task.add_done_callback(_abandoned.discard)


# Cancellations that nobody awaits; without this set the loop could drop them halfway.
_abandoned: set[asyncio.Task[None]] = set()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
