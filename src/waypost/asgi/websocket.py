"""scope/receive/send ↔ Link: WebSockets under an ASGI server.

The server has judged the handshake, sends the pings and holds its own limits; ours are the size of a message and how
many wait for the handler. A refusal keeps its status and body where the server can send them, and is a 403 elsewhere.
Source: ASGI specification 3.0, WebSocket; extension websocket.http.response.
"""

from __future__ import annotations

import asyncio

from waypost.asgi.messages import Message, Receive, Send
from waypost.errors import HTTPError, WebSocketDisconnect
from waypost.http.handler import Handler
from waypost.http.link import Inbox, Talk, answer_handshake
from waypost.http.payload import BodyStream
from waypost.http.request import Request
from waypost.http.response import Response

_RESPONSE = "websocket.http.response"


class AsgiLink:
    """A Link (http/link.py). max_queue: messages, max_size: bytes of one message, 0 for no limit."""

    def __init__(
        self, scope: Message, receive: Receive, send: Send, request: Request, *, max_queue: int, max_size: int
    ) -> None:
        self._receive = receive
        self._send = send
        self._request = request
        self._max_size = max_size
        self._room = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._left = False
        self.inbox = Inbox(max_queue, max_size)
        self.inbox.on_room = self._room.set
        self.protocols = tuple(scope.get("subprotocols") or ())
        self.protocol = ""
        self.talk: Talk | None = None

    @property
    def gone(self) -> bool:
        return self._left

    @property
    def refusal(self) -> HTTPError | None:
        return None

    @property
    def extensions(self) -> str:
        return ""  # the server does not tell

    @property
    def closing(self) -> bool:
        return not self._left

    @property
    def buffered_amount(self) -> int:
        return 0  # send() waits until the server has taken the message

    async def open(self, response: Response) -> None:
        fields = [field for field in response.raw_headers() if not field[0].startswith(b"sec-websocket-")]
        await self._hand_over({"type": "websocket.accept", "subprotocol": self.protocol or None, "headers": fields})
        self._pump = asyncio.get_running_loop().create_task(self._take_all())

    async def send(self, data: str | bytes) -> None:
        if self.inbox.outcome is not None:
            raise WebSocketDisconnect(*self.inbox.outcome)
        await self._hand_over({"type": "websocket.send", "text" if isinstance(data, str) else "bytes": data})
        if self._left:
            raise WebSocketDisconnect(*(self.inbox.outcome or (1006, "")))

    async def close(self, code: int, reason: str) -> None:
        if self.inbox.outcome is None:
            self.inbox.end(code, reason)
            await self._hand_over({"type": "websocket.close", "code": code, "reason": reason})

    async def closed(self) -> None:
        """The server sees the closing handshake through."""

    def stop(self) -> None:
        """The conversation is over."""
        if self._pump is not None:
            self._pump.cancel()

    async def _hand_over(self, message: Message) -> None:
        """Send to the server, which may know already that the client has left; each has an exception of its own."""
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            self._end(1006, "")

    async def _take_all(self) -> None:
        while True:
            if self.inbox.full:
                self._room.clear()
                await self._room.wait()
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._end(message.get("code") or 1005, message.get("reason") or "")
                return
            if message["type"] == "websocket.receive":
                await self._take(message)

    async def _take(self, message: Message) -> None:
        text = message.get("text")
        data: str | bytes = message["bytes"] if text is None else text
        if 0 < self._max_size < (len(data) if text is None else _octets(text, self._max_size)):
            await self.close(1009, "Message too big")
        elif self.inbox.outcome is None:
            self.inbox.put(data)

    def _end(self, code: int, reason: str) -> None:
        self._left = True
        self.inbox.end(code, reason)
        self._request.abort(WebSocketDisconnect(code, reason))
        if self.talk is not None:
            self.talk.left()


def _octets(text: str, limit: int) -> int:
    """The size of a text in UTF-8, as far as it matters: most are far below the limit, and need no encoding."""
    return len(text) if len(text) * 4 <= limit or len(text) > limit else len(text.encode())


async def serve_websocket(
    handler: Handler,
    scope: Message,
    receive: Receive,
    send: Send,
    request: Request,
    *,
    max_queue: int,
    max_size: int,
) -> None:
    """Answer one scope of the type `websocket`."""
    await receive()  # websocket.connect
    link = AsgiLink(scope, receive, send, request, max_queue=max_queue, max_size=max_size)
    try:
        response = await answer_handshake(handler, request, link)
        if response is not None:
            await refuse(scope, send, response)
    finally:
        link.stop()


async def refuse(scope: Message, send: Send, response: Response) -> None:
    """Answer the handshake with a response."""
    if _RESPONSE not in (scope.get("extensions") or {}):
        if isinstance(response.payload, BodyStream):
            await response.payload.aclose()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    body = await response.bytes()
    headers = [field for field in response.raw_headers() if field[0] != b"content-length"]
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": f"{_RESPONSE}.start", "status": response.status, "headers": headers})
    await send({"type": f"{_RESPONSE}.body", "body": body})
