"""after(): work that runs when the response has been sent.

A request's pieces run one after the other, in the order they were given, in a task of their own; what one of them
raises is logged and harms nothing. The number waiting in a worker is bounded, and shutdown waits for them.
Source: Next.js, after().
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

from waypost.app.context import scope_of
from waypost.errors import HTTPError
from waypost.http.request import Request

log = logging.getLogger("waypost")

Work: TypeAlias = "Callable[[], Any] | Awaitable[Any]"


#: `request.pending` of a request whose response is sent and that has no work left.
SENT: Final[list[Any]] = []


class Piece:
    """One piece of work and the context it was given in: headers() and cookies() can be read in it."""

    __slots__ = ("context", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.context = contextvars.copy_context()


def after(work: Work) -> None:
    """Run `work` when the response has been sent, the last byte of a stream included; the client does not wait.

    work: a function, async or plain (a plain one runs in a worker thread), or an awaitable. It runs after redirects
    and errors too, and when the client has left. Raises NoRequestError outside a request, HTTPError (503) when more
    is waiting than `max_pending_after` allows.
    """
    if not callable(work) and not inspect.isawaitable(work):
        raise TypeError(f"after() takes a function or an awaitable, not {type(work).__name__}")
    scope = scope_of("after")
    if scope.afterwork is None:
        raise RuntimeError(
            "after() has no application here to run its work (in a unit test use waypost.testing.Client)"
        )
    try:
        scope.afterwork.add(scope.request, Piece(work))
    except HTTPError:
        if inspect.iscoroutine(work):
            work.close()
        raise


class Afterwork:
    """The pending work of one application in one worker. limit: pieces that may wait or run at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pending = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()  # plain handlers give work from their threads

    def add(self, request: Request, piece: Piece) -> None:
        """Queue a piece behind those of the same request. Raises HTTPError (503) when too many wait."""
        with self._lock:
            if self._pending >= self._limit:
                raise HTTPError("The server is busy", status=503, headers={"Retry-After": "1"})
            self._pending += 1
            if request.pending is SENT:
                # Whoever the handler left running gives work: nothing starts it any more but this.
                request.pending = [piece]
                assert self._loop is not None, "a request whose response was sent has told the loop"
                self._loop.call_soon_threadsafe(self._begin, request)
            elif request.pending is None:
                request.pending = [piece]
            else:
                request.pending.append(piece)

    def start(self, request: Request) -> None:
        """Begin the work of a request whose response is sent."""
        if request.pending is None:
            request.pending = SENT
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
        elif request.pending is not SENT:
            self._begin(request)

    def _begin(self, request: Request) -> None:
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(self._run(request))
        self._tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def _run(self, request: Request) -> None:
        pieces: list[Any] = request.pending or SENT
        done = 0
        try:
            while True:
                with self._lock:
                    # after() inside of after() appends to the list; from here on it begins another.
                    if done == len(pieces):
                        request.pending = SENT
                        return
                piece, pieces[done] = pieces[done], None
                done += 1
                await self._run_piece(piece)
        finally:
            for piece in pieces[done:]:
                self._drop(piece)

    async def _run_piece(self, piece: Piece) -> None:
        try:
            await asyncio.get_running_loop().create_task(_perform(piece.work), context=piece.context)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            log.error("work given to after() was cancelled")
        except BaseException:
            log.exception("work given to after() failed")
        finally:
            with self._lock:
                self._pending -= 1

    def _drop(self, piece: Piece) -> None:
        with self._lock:
            self._pending -= 1
        if inspect.iscoroutine(piece.work):
            piece.work.close()  # Python would warn that nobody awaited it

    async def drain(self, grace: float) -> None:
        """Wait for what is pending, `grace` seconds at most; then cancel the rest and say so in the log."""
        deadline = asyncio.get_running_loop().time() + grace
        while self._tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        if self._tasks:
            log.warning("%d pieces of work given to after() were cut off at shutdown", self._pending)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def _perform(work: Work) -> None:
    if inspect.isawaitable(work):
        await work
    elif inspect.iscoroutinefunction(work):
        await work()
    else:
        run = partial(contextvars.copy_context().run, work)
        value = await asyncio.get_running_loop().run_in_executor(None, run)
        if inspect.isawaitable(value):
            await value
