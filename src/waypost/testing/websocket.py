"""A client's side of a WebSocket without a network: `async with client.websocket("/path") as socket`.

What one side sends is at once with the other; a handler runs behind the same middleware as it would on a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from waypost.errors import HTTPError, WebSocketDisconnect
from waypost.http.headers import Headers
from waypost.http.json import encode_json, parse_json
from waypost.http.link import Inbox, Talk, answer_handshake
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.websocket import check_close

if TYPE_CHECKING:
    from waypost.app.application import Application
    from waypost.testing.client import ClientResponse
    from waypost.testing.plain import Client

_NO_LIMIT = 1 << 62


class HandshakeRefused(Exception):
    """The handler, or what stands before it, answered with a response instead. response: that one, read."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__(f"the handshake was answered with {response.status}")
        self.response = response


class LoopLink:
    """A Link (http/link.py) whose other side is an AsyncClientSocket."""

    def __init__(self, request: Request, protocols: Sequence[str], max_queue: int, max_size: int) -> None:
        self._request = request
        self._room = asyncio.Event()
        self.inbox = Inbox(max_queue, max_size)
        self.inbox.on_room = self._room.set
        self.outbox = Inbox(max_queue, _NO_LIMIT)
        self._out_room = asyncio.Event()
        self.outbox.on_room = self._out_room.set
        self.protocols = tuple(protocols)
        self.protocol = ""
        self.talk: Talk | None = None
        self.max_size = max_size
        self.gone = False
        self.opened: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    @property
    def refusal(self) -> HTTPError | None:
        return None

    @property
    def extensions(self) -> str:
        return ""

    @property
    def closing(self) -> bool:
        return False

    @property
    def buffered_amount(self) -> int:
        return 0

    async def open(self, response: Response) -> None:
        self.opened.set_result(response)

    async def send(self, data: str | bytes) -> None:
        while self.inbox.outcome is None and self.outbox.full:
            self._out_room.clear()
            await self._out_room.wait()
        if self.inbox.outcome is not None:
            raise WebSocketDisconnect(*self.inbox.outcome)
        self.outbox.put(data)

    async def close(self, code: int, reason: str) -> None:
        self.inbox.end(code, reason)
        self.outbox.end(code, reason)
        self._room.set()

    async def closed(self) -> None:
        """There is no connection that would end."""

    # -- the client's side

    async def take(self, data: str | bytes) -> None:
        """A message of the client."""
        while self.inbox.outcome is None and self.inbox.full:
            self._room.clear()
            await self._room.wait()
        if self.inbox.outcome is not None:
            raise WebSocketDisconnect(*self.inbox.outcome)
        if 0 < self.max_size < len(data.encode() if isinstance(data, str) else data):
            self.leave(1009, "Message too big")
        else:
            self.inbox.put(data)

    def leave(self, code: int, reason: str) -> None:
        """The connection is over."""
        self.gone = True
        self.inbox.end(code, reason)
        self.outbox.end(code, reason)
        self._room.set()
        self._out_room.set()
        self._request.abort(WebSocketDisconnect(code, reason))
        if self.talk is not None:
            self.talk.left()


class AsyncClientSocket:
    """What a client has of a conversation. headers: of the 101. Messages are str or bytes."""

    def __init__(self, link: LoopLink, response: Response) -> None:
        self._link = link
        self.headers = Headers(response.headers)
        self.protocol = link.protocol

    @property
    def close_code(self) -> int | None:
        """The code of the end, None before it."""
        return self._link.outbox.code

    @property
    def close_reason(self) -> str:
        return self._link.outbox.reason

    async def send(self, data: str | bytes) -> None:
        """Raises WebSocketDisconnect when the conversation is over."""
        await self._link.take(data)

    async def send_json(self, value: Any) -> None:
        await self.send(encode_json(value).decode())

    async def receive(self) -> str | bytes:
        """The next message. Raises WebSocketDisconnect, with code and reason, when there will be none."""
        return await self._link.outbox.get()

    async def receive_text(self) -> str:
        message = await self.receive()
        if not isinstance(message, str):
            raise TypeError(f"the message is binary: {message!r:.80}")
        return message

    async def receive_bytes(self) -> bytes:
        message = await self.receive()
        if not isinstance(message, bytes):
            raise TypeError(f"the message is text: {message!r:.80}")
        return message

    async def receive_json(self) -> Any:
        message = await self.receive()
        return parse_json(message.encode() if isinstance(message, str) else message)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The messages until the conversation is over."""
        while True:
            try:
                message = await self.receive()
            except WebSocketDisconnect:
                return
            yield message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Leave; the handler learns of it."""
        check_close(code, reason)
        self._link.leave(code, reason)


class ClientSocket:
    """AsyncClientSocket for plain tests."""

    def __init__(self, socket: AsyncClientSocket, client: Client) -> None:
        self._socket = socket
        self._client = client
        self.headers = socket.headers
        self.protocol = socket.protocol

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    @property
    def close_reason(self) -> str:
        return self._socket.close_reason

    def send(self, data: str | bytes) -> None:
        self._client.run(self._socket.send(data))

    def send_json(self, value: Any) -> None:
        self._client.run(self._socket.send_json(value))

    def receive(self) -> str | bytes:
        return self._client.run(self._socket.receive())

    def receive_text(self) -> str:
        return self._client.run(self._socket.receive_text())

    def receive_bytes(self) -> bytes:
        return self._client.run(self._socket.receive_bytes())

    def receive_json(self) -> Any:
        return self._client.run(self._socket.receive_json())

    def __iter__(self) -> Iterator[str | bytes]:
        while True:
            try:
                message = self.receive()
            except WebSocketDisconnect:
                return
            yield message

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._client.run(self._socket.close(code, reason))


class Connecting:
    """One conversation of a client, from the handshake to the end of its handler."""

    def __init__(self, application: Application, request: Request, protocols: Sequence[str]) -> None:
        config = application.config
        self.link = LoopLink(request, protocols, config.websocket_max_queue, config.websocket_max_size)
        self._application = application
        self._request = request
        self._task = asyncio.create_task(answer_handshake(application.handle, request, self.link))

    async def response(self) -> Response | None:
        """The refusal, or None when the conversation has begun: `link.opened` has the 101 then."""
        await asyncio.wait((self._task, self.link.opened), return_when=asyncio.FIRST_COMPLETED)
        return None if self.link.opened.done() else self._task.result()

    async def end(self) -> None:
        """Leave, and wait for the handler: a test must not end before the code that it tests."""
        try:
            self.link.leave(1000, "")
            await self._task
        finally:
            self._application.response_sent(self._request)
