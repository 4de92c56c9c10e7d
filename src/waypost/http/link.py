"""Link: a server's side of a conversation over a WebSocket, and what every server does with one.

A server makes a Link for a request that asks for a WebSocket and puts it into `request.upgrade`; the application
answers the request as any other, and leaves a Talk on the link when a handler accepts.
Source: RFC 6455; ASGI specification, WebSocket.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from waypost.errors import HTTPError, WebSocketDisconnect
from waypost.http.handler import Handler
from waypost.http.request import Request
from waypost.http.response import Response


class Talk(Protocol):
    """What is held over a link once it is open; the application makes it."""

    async def run(self) -> None:
        """Let the handler go on, and come back when it and the connection are over."""

    async def refuse(self) -> None:
        """End the handler: another answer than its acceptance went out."""

    def left(self) -> None:
        """The connection is over."""


class Inbox:
    """Messages that have come and that no handler has received yet, and how the conversation ended.

    most: messages, size: bytes (0 for no limit), at which it is `full`. on_room: called when it is no longer.
    outcome: code and reason of the end, None before it.
    """

    __slots__ = ("_messages", "_most", "_reader", "_size", "_waiting", "on_room", "outcome")

    def __init__(self, most: int, size: int) -> None:
        self._most = most
        self._size = size
        self._messages: deque[str | bytes] = deque()
        self._waiting = 0
        self._reader: asyncio.Future[None] | None = None
        self.on_room: Callable[[], object] | None = None
        self.outcome: tuple[int, str] | None = None

    @property
    def full(self) -> bool:
        return len(self._messages) >= self._most or self._waiting >= self._size > 0

    def put(self, message: str | bytes) -> None:
        self._messages.append(message)
        self._waiting += len(message)
        self._wake()

    @property
    def code(self) -> int | None:
        """The code of the end, None before it: 1005 where the client gave none, 1006 where the connection broke."""
        return None if self.outcome is None else self.outcome[0]

    @property
    def reason(self) -> str:
        """The reason of the end, "" before it."""
        return "" if self.outcome is None else self.outcome[1]

    def end(self, code: int, reason: str) -> None:
        """There will be no more; the first end counts. What waits may still be received."""
        if self.outcome is None:
            self.outcome = (code, reason)
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> str | bytes:
        """The next message, for one reader. Raises WebSocketDisconnect when there will be none."""
        messages = self._messages
        while not messages:
            if self.outcome is not None:
                raise WebSocketDisconnect(*self.outcome)
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        was_full = self.full
        message = messages.popleft()
        self._waiting -= len(message)
        if was_full and self.on_room is not None and not self.full:
            self.on_room()
        return message


class Link(Protocol):
    """A server's side of a conversation.

    inbox: what came from the client. protocols: the subprotocols that it offers. protocol: the one that was agreed on.
    talk: set by the application when a handler accepts. gone: the client has left.
    """

    inbox: Inbox
    protocols: tuple[str, ...]
    protocol: str
    talk: Talk | None

    @property
    def gone(self) -> bool: ...
    @property
    def refusal(self) -> HTTPError | None:
        """Why the handshake can't be accepted, None when it can."""

    @property
    def extensions(self) -> str: ...
    @property
    def closing(self) -> bool:
        """Whether the connection is still there, although the conversation is over."""
        ...

    @property
    def buffered_amount(self) -> int: ...

    async def open(self, response: Response) -> None:
        """Accept, with the headers of a response."""

    async def send(self, data: str | bytes) -> None:
        """Send a message, once the client has taken most of the ones before. Raises WebSocketDisconnect."""

    async def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; nothing where the conversation is over already."""

    async def closed(self) -> None:
        """Wait for the end of the connection, for a limited time."""


async def answer_handshake(handler: Handler, request: Request, link: Link) -> Response | None:
    """Answer a request for a WebSocket: gives the response that refuses it, or None when a conversation is over."""
    request.upgrade = link
    try:
        response = await handler(request)
    except BaseException:
        if link.talk is not None:
            await link.talk.refuse()
        raise
    talk = link.talk
    if talk is None:
        return response
    if response.status != 101 or link.gone:
        await talk.refuse()
        return response
    await link.open(response)
    await talk.run()
    return None
