"""Conversation: the task of a WEBSOCKET handler, from the handshake to the close frame.

The handshake is a request like any other: the handler's acceptance is a response with status 101 that goes out through
all the middleware in front of the route, and only then does the handler go on. What it raises before that is answered
as it would be anywhere; what it raises later becomes a close code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from waypost.app.context import RequestScope
from waypost.app.failures import error_response, to_close
from waypost.app.result import to_response
from waypost.errors import ClientDisconnected, InvalidResponseError, WebSocketDisconnect
from waypost.http.link import Link
from waypost.http.response import Response
from waypost.http.websocket import WebSocket, shortened, switching_protocols


class Conversation:
    """A Talk (http/link.py).

    where: names the handler, for errors. patience: seconds that the handler may go on when the connection is over,
    0 for no limit.
    """

    __slots__ = ("_link", "_patience", "_scope", "_socket", "_task", "_timer", "_where")

    _task: asyncio.Task[Any]

    def __init__(self, socket: WebSocket, link: Link, scope: RequestScope, where: str, patience: float) -> None:
        self._socket = socket
        self._link = link
        self._scope = scope
        self._where = where
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    async def begin(self, handler: Coroutine[Any, Any, Any]) -> Response:
        """Start the handler, and give its answer to the handshake. Raises what it raises before it accepts."""
        task = self._task = asyncio.get_running_loop().create_task(handler)
        socket = self._socket
        try:
            await asyncio.wait((task, socket._asked), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._cancel()
            raise
        if not task.done():
            self._link.talk = self
            return switching_protocols(socket._fields)
        value = task.result()
        if not _is_nothing(value):
            return to_response(value, self._where)
        if socket._refused is not None:
            return error_response(403, socket._refused[1] or "Forbidden")
        raise InvalidResponseError(
            f"{self._where} returned before it accepted: call `await socket.accept()`, or return a Response to refuse"
        )

    async def run(self) -> None:
        try:
            self._socket._opened.set_result(None)
            code, reason = await self._outcome()
            await self._link.close(code, shortened(reason))
            await self._link.closed()
        finally:
            self._end()

    async def refuse(self) -> None:
        opened = self._socket._opened
        opened.set_exception(WebSocketDisconnect(1006, "the handshake was answered otherwise"))
        opened.exception()  # the handler may wait for something else, and never look at it
        try:
            await self._cancel()
        finally:
            self._end()

    def left(self) -> None:
        if not self._task.done() and self._patience and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._give_up)

    def _give_up(self) -> None:
        if not self._scope.request.keep_running:
            self._task.cancel()

    def _end(self) -> None:
        self._link.talk = None  # the two would hold each other
        if self._timer is not None:
            self._timer.cancel()

    async def _cancel(self) -> None:
        """Cancel the handler and wait for it; what it raises now is nobody's answer."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.exception()

    async def _outcome(self) -> tuple[int, str]:
        """What the conversation ends with, once the handler is done."""
        try:
            value = await self._task
            if _is_nothing(value):
                return 1000, ""
            raise InvalidResponseError(
                f"{self._where} returned {type(value).__name__} after it accepted: it has no answer any more"
            )
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return 1001, ""
        except BaseException as error:
            if self._link.inbox.outcome is not None and _is_leaving(error):
                return 1000, ""  # it is closed already
            return to_close(error, self._scope)


def _is_leaving(error: BaseException) -> bool:
    """Whether an exception says only that the client has left; several tasks may have found out."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_leaving, error.exceptions))
    return isinstance(error, ClientDisconnected)


def _is_nothing(value: Any) -> bool:
    """Whether a handler returned nothing; a wrapper passes on the 101 that stands for it (wrapping.py)."""
    return value is None or (isinstance(value, Response) and value._status == 101)
