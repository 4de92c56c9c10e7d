"""TransformStream and WritableStream: the writing side of streams, as far as a server needs it.

`write` is a coroutine that returns when the sink took the chunk: awaiting it is the back-pressure, so there is no
queue here that could grow. Knows no HTTP.
Source: Streams standard, sections 5 and 6.
"""

from __future__ import annotations

import asyncio
from typing import Any

from waypost.http.stream_queue import DONE, ReadableStreamDefaultController, as_error
from waypost.http.stream_sources import SourceMethod, call_method, source_method
from waypost.http.streams import ReadableStream, ReadableStreamDefaultReader


class WritableStream:
    """Takes chunks one at a time and hands them to a sink.

    sink: an object or mapping with any of `write(chunk)`, `close()`, `abort(reason)`; the same three as keywords.
    Each may be a plain or a coroutine function.
    """

    __slots__ = ("_abort", "_close", "_ended", "_error", "_turn", "_write", "_writer")

    def __init__(
        self,
        sink: object = None,
        *,
        write: SourceMethod | None = None,
        close: SourceMethod | None = None,
        abort: SourceMethod | None = None,
    ) -> None:
        self._write = write or source_method(sink, "write")
        self._close = close or source_method(sink, "close")
        self._abort = abort or source_method(sink, "abort")
        self._ended = False
        self._error: BaseException | None = None
        self._turn = asyncio.Lock()
        self._writer: WritableStreamDefaultWriter | None = None

    @property
    def locked(self) -> bool:
        """Whether a writer has the stream."""
        return self._writer is not None

    def get_writer(self) -> WritableStreamDefaultWriter:
        """The writer, which locks the stream until release_lock(). Raises TypeError when it is locked."""
        if self._writer is not None:
            raise TypeError("the stream is locked: it already has a writer")
        self._writer = WritableStreamDefaultWriter(self)
        return self._writer

    async def write(self, chunk: Any) -> None:
        """Hand a chunk to the sink and return when it took it. Raises the sink's error, TypeError after close."""
        async with self._turn:
            self._check()
            try:
                await call_method(self._write, chunk)
            except BaseException as error:
                self.fail(error)
                raise

    async def close(self) -> None:
        """Let the sink finish. Raises TypeError the second time."""
        async with self._turn:
            self._check()
            self._ended = True
            await call_method(self._close)

    async def abort(self, reason: Any = None) -> None:
        """Tell the sink to give up; does nothing after the end."""
        if not self._ended and self._error is None:
            self.fail(reason)
            await call_method(self._abort, reason)

    def fail(self, reason: Any) -> None:
        """Break the stream from the sink's side: every later write raises `reason`."""
        if self._error is None:
            self._error = as_error(reason)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self._ended:
            raise TypeError("the stream is closed")


class WritableStreamDefaultWriter:
    """Writes to a stream and keeps it locked."""

    __slots__ = ("_stream",)

    def __init__(self, stream: WritableStream) -> None:
        self._stream: WritableStream | None = stream

    def _owned(self) -> WritableStream:
        if self._stream is None:
            raise TypeError("the writer's lock was released")
        return self._stream

    async def write(self, chunk: Any) -> None:
        """Hand over a chunk; returns when it was taken."""
        await self._owned().write(chunk)

    async def close(self) -> None:
        await self._owned().close()

    async def abort(self, reason: Any = None) -> None:
        await self._owned().abort(reason)

    def release_lock(self) -> None:
        """Give the stream back."""
        if self._stream is not None:
            self._stream._writer = None
            self._stream = None


class TransformStreamDefaultController:
    """The transformer's handle on its readable side."""

    __slots__ = ("_transform",)

    def __init__(self, transform: TransformStream) -> None:
        self._transform = transform

    @property
    def desired_size(self) -> float | None:
        return self._transform.readable.controller.desired_size

    def enqueue(self, chunk: Any) -> None:
        """Give a chunk to the readable side."""
        self._transform.readable.controller.enqueue(chunk)

    def error(self, reason: Any = None) -> None:
        """Break both sides."""
        self._transform.readable.controller.error(reason)
        self._transform.writable.fail(reason)

    def terminate(self) -> None:
        """End the readable side; nothing more is taken in."""
        self._transform.finish()


class TransformStream:
    """A writable side whose chunks come out of a readable side, changed on the way.

    transformer: an object or mapping with any of `transform(chunk, controller)`, `flush(controller)`; the same as
    keywords; plain or coroutine functions. Without transform the chunks pass unchanged. It works at the pace of the
    reader: in `stream.pipe_through(t)` nothing runs until somebody reads, and `write` waits for room.
    """

    __slots__ = ("_controller", "_flush", "_source", "_terminated", "_transform", "readable", "writable")

    def __init__(
        self,
        transformer: object = None,
        *,
        transform: SourceMethod | None = None,
        flush: SourceMethod | None = None,
    ) -> None:
        self._transform = transform or source_method(transformer, "transform")
        self._flush = flush or source_method(transformer, "flush")
        self._source: ReadableStreamDefaultReader | None = None
        self._terminated = False
        self.readable = ReadableStream(pull=self._pull, cancel=self._cancel, high_water_mark=0)
        self.writable = WritableStream(write=self._take, close=self._close, abort=self._abort)
        self._controller = TransformStreamDefaultController(self)

    def connect(self, source: ReadableStream) -> ReadableStream:
        """Feed the transform from `source`, which is locked; returns the readable side."""
        if self.writable.locked:
            raise TypeError("the transform is in use: its writable side has a writer")
        self._source = source.get_reader()
        # Locks the writable side: from now on the chunks come from `source`.
        self.writable.get_writer()
        return self.readable

    def finish(self) -> None:
        """End the readable side and refuse further chunks."""
        if not self._terminated:
            self._terminated = True
            self.readable.controller.close()
            self.writable.fail(TypeError("the transform has ended"))

    async def _pull(self, controller: ReadableStreamDefaultController) -> None:
        source = self._source
        if source is None:
            return  # fed by a writer: its write() sees that somebody reads
        while controller.wants_chunk:
            chunk = await source.next_chunk()
            if chunk is DONE:
                await self._close()
                return
            try:
                await self._apply(chunk)
            except BaseException as error:
                controller.error(error)
                await source.cancel(error)
                raise
        if self._terminated:
            await source.cancel(None)

    async def _apply(self, chunk: Any) -> None:
        if self._transform is None:
            self._controller.enqueue(chunk)
        else:
            await call_method(self._transform, chunk, self._controller)

    async def _take(self, chunk: Any) -> None:
        await self.readable.controller.ready()
        try:
            await self._apply(chunk)
        except BaseException as error:
            self.readable.controller.error(error)
            raise

    async def _close(self) -> None:
        try:
            await call_method(self._flush, self._controller)
        except BaseException as error:
            self.readable.controller.error(error)
            raise
        if not self._terminated:
            self._terminated = True
            self.readable.controller.close()

    def _abort(self, reason: Any) -> None:
        self.readable.controller.error(reason)

    async def _cancel(self, reason: Any) -> None:
        self.writable.fail(reason)
        self._terminated = True
        if self._source is not None:
            await self._source.cancel(reason)
