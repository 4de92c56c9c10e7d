"""Watch: whether the client is still there, for those who ask.

Source: ASGI specification 3.0, `http.disconnect`.
"""

from __future__ import annotations

import asyncio

import msgspec

from waypost.asgi.body import PulledBody
from waypost.asgi.messages import Receive
from waypost.http.request import Request


class Doorbell(msgspec.Struct, gc=False):
    """What begins to watch the client once someone asks: most requests end before, and this is made for each."""

    loop: asyncio.AbstractEventLoop
    receive: Receive

    def __call__(self, request: Request) -> None:
        watch = request.on_signal = Watch(request, self.loop, self.receive)
        watch(request)


class Watch:
    """Waits for the client to leave, from the moment someone asks: a request that nobody asks about pays no task.

    One for each request: servers report a disconnect to a single receive(), and some fail at a second one.
    """

    __slots__ = ("_loop", "_receive", "_request", "_stopped", "_task")

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop, receive: Receive) -> None:
        self._request = request
        self._receive = receive
        self._loop = loop
        self._stopped = False
        self._task: asyncio.Future[None] | None = None

    def __call__(self, _request: Request) -> None:
        # A plain handler asks for `request.signal` in a worker thread.
        self._loop.call_soon_threadsafe(self._begin_unless_stopped)

    def _begin_unless_stopped(self) -> None:
        if not self._stopped:
            self.begin()

    def begin(self) -> asyncio.Future[None]:
        """The task, which ends when the client has left."""
        if self._task is None:
            self._task = self._loop.create_task(self._wait())
        return self._task

    def stop(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _wait(self) -> None:
        request, body = self._request, self._request._body
        if isinstance(body, PulledBody):
            await body.ended()
            if not body.complete:
                request.abort()
        while request._left is None:
            if (await self._receive())["type"] == "http.disconnect":
                request.abort()
