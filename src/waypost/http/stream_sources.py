"""What stands behind a stream: methods that a user gave, an iterable, or one stream read twice.

The classes have the `pull` and `cancel` that ReadableStream calls; none knows ReadableStream itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from waypost.http.stream_queue import DONE, ReadableStreamDefaultController

SourceMethod: TypeAlias = Callable[..., Any]


def source_method(source: object, name: str) -> SourceMethod | None:
    """The method `name` of an object or mapping, None when it has none. Raises TypeError when it can't be called."""
    method = source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)
    if method is not None and not callable(method):
        raise TypeError(f"{name} must be callable")
    return method


async def call_method(method: SourceMethod | None, *arguments: Any) -> None:
    """Call a plain or coroutine function of a source to its end; None is left out."""
    if method is not None:
        result: Any = method(*arguments)
        if hasattr(result, "__await__"):
            await result


class Reader(Protocol):
    """What a tee reads: a stream's reader."""

    async def next_chunk(self) -> Any: ...
    async def cancel(self, reason: Any = None) -> None: ...


class IterableSource:
    """Gives the items of an async or plain iterable, one for each pull."""

    __slots__ = ("_iterator", "pull")

    def __init__(self, iterable: AsyncIterable[Any] | Iterable[Any]) -> None:
        self._iterator: Any
        if isinstance(iterable, str | bytes | bytearray | memoryview):
            iterable = (iterable,)
        if isinstance(iterable, AsyncIterable):
            self._iterator = aiter(iterable)
            self.pull: Any = self._pull_async
        elif isinstance(iterable, Iterable):
            self._iterator = iter(iterable)
            self.pull = self._pull
        else:
            raise TypeError(f"a stream can't be made from {type(iterable).__name__}: it is not iterable")

    async def _pull_async(self, controller: ReadableStreamDefaultController) -> None:
        try:
            chunk = await anext(self._iterator)
        except StopAsyncIteration:
            controller.close()
        else:
            controller.enqueue(chunk)

    def _pull(self, controller: ReadableStreamDefaultController) -> None:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            controller.close()
        else:
            controller.enqueue(chunk)

    async def cancel(self, reason: Any) -> None:
        """Close the iterator where it can be closed, so that a generator's `finally` runs."""
        if hasattr(self._iterator, "aclose"):
            await self._iterator.aclose()
        elif hasattr(self._iterator, "close"):
            self._iterator.close()


class TeeSource:
    """Reads a stream once for two branches."""

    __slots__ = ("_reader", "_reasons", "_step", "controllers")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._reasons: dict[int, Any] = {}
        self._step: asyncio.Task[None] | None = None
        self.controllers: tuple[ReadableStreamDefaultController, ReadableStreamDefaultController]

    def branch(self, index: int) -> dict[str, Any]:
        """The source of branch 0 or 1."""
        return {"pull": self._pull, "cancel": lambda reason: self._cancel(index, reason)}

    def _pull(self, controller: ReadableStreamDefaultController) -> None:
        # The task is ours, not the branch's: a branch that is cancelled must not end a read that the other waits for.
        if self._step is None or self._step.done():
            self._step = asyncio.get_running_loop().create_task(self._advance())

    async def _advance(self) -> None:
        try:
            chunk = await self._reader.next_chunk()
        except BaseException as error:
            for index, controller in enumerate(self.controllers):
                if index not in self._reasons:
                    controller.error(error)
            if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
                raise
            return
        self._step = None
        for index, controller in enumerate(self.controllers):
            if index in self._reasons:
                continue
            if chunk is DONE:
                controller.close()
            else:
                controller.enqueue(chunk)

    async def _cancel(self, index: int, reason: Any) -> None:
        self._reasons[index] = reason
        if len(self._reasons) == 2:
            step, self._step = self._step, None
            if step is not None and not step.done():
                step.cancel()
                await asyncio.wait([step])
            await self._reader.cancel([self._reasons[0], self._reasons[1]])
