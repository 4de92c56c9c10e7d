"""An application that is replaced while it answers requests.

Every request belongs to the application that it began with; an application that was replaced shuts down when its last
request is over. Knows no files and no server.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Final

from waypost.app.application import Application
from waypost.http.request import Request
from waypost.http.response import Response

log = logging.getLogger("waypost")

COLLECT_AFTER: Final = 0.5  # seconds


class _Generation:
    """One application with the requests that it has not finished. retired: there is a newer one."""

    __slots__ = ("application", "requests", "retired")

    def __init__(self, application: Application) -> None:
        self.application = application
        self.requests: set[Request] = set()
        self.retired = False


class Generations:
    """`handle` and `sent` are what a server takes as its handler and its `on_sent`."""

    def __init__(self, application: Application) -> None:
        """The application has been started by the caller."""
        self._current = _Generation(application)
        self._generations = [self._current]
        self._shutdowns: set[asyncio.Task[None]] = set()

    @property
    def application(self) -> Application:
        """The application that gets the next request."""
        return self._current.application

    async def handle(self, request: Request) -> Response:
        """Answer with the newest application."""
        generation = self._current
        generation.requests.add(request)
        return await generation.application.handle(request)

    def sent(self, request: Request) -> None:
        """Take note that a response went out, or that its connection broke."""
        for generation in self._generations:
            if request in generation.requests:
                generation.requests.discard(request)
                generation.application.response_sent(request)
                self._end_if_idle(generation)
                return

    def replace(self, application: Application) -> None:
        """Let `application`, which has been started, answer from now on."""
        old = self._current
        self._current = _Generation(application)
        self._generations.append(self._current)
        old.retired = True
        self._end_if_idle(old)

    async def shutdown(self, grace: float | None = None) -> None:
        """Shut every application down, replaced ones that still had requests too."""
        for generation in self._generations:
            await _shut_down(generation.application, grace)
        self._generations.clear()
        await asyncio.gather(*self._shutdowns)

    def _end_if_idle(self, generation: _Generation) -> None:
        if generation.retired and not generation.requests:
            self._generations.remove(generation)
            task = asyncio.create_task(_shut_down(generation.application, None))
            self._shutdowns.add(task)  # the loop holds tasks weakly
            task.add_done_callback(self._shutdowns.discard)
            # Old modules are cycles, and hold what they opened: after ten changes a database would be out of
            # connections. Not at once: the first answer of the new code comes first.
            asyncio.get_running_loop().call_later(COLLECT_AFTER, gc.collect)


async def _shut_down(application: Application, grace: float | None) -> None:
    try:
        await application.shutdown(grace)
    except Exception:
        log.exception("the application could not shut down")
