"""A thread for blocking work on one connection, one job after the other, outside of the event loop.

A caller who stops waiting takes its job out of the queue, unless it runs already. Knows no SQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
_Job: TypeAlias = "tuple[Callable[[], Any], asyncio.Future[Any]] | None"


class Lane:
    """The thread begins with the first job and ends with close()."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], T]) -> T:
        """Call it in the thread; raises what it raises."""
        if self._thread is None:
            # A daemon: a disk that does not answer must not keep the process from ending.
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, future))
        return await future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future = job
            del job  # else the last answer would be held until the next question
            if not future.cancelled():
                try:
                    result = work()
                except BaseException as error:
                    _tell(future, future.set_exception, error)
                    del error
                else:
                    _tell(future, future.set_result, result)
                    del result
            del work, future

    def close(self) -> None:
        """End the thread after what is queued; does not wait for it."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None


def _tell(future: asyncio.Future[Any], settle: Callable[[Any], None], value: object) -> None:
    def answer() -> None:
        if not future.done():
            settle(value)

    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
        future.get_loop().call_soon_threadsafe(answer)
