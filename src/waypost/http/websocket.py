"""WebSocket: a handler's side of one conversation, whatever server it is held over.

The names are the Web's where the Web has them (`send`, `close(code, reason)`, `protocol`, `url`, `ready_state`,
`buffered_amount`); what comes in is read by iteration or `receive…`, as a stream. Nothing is sent before `accept`,
which the first use of the socket calls where the handler does not. Knows no frames and no routes.
Source: WebSockets standard (WHATWG); RFC 6455.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from waypost.errors import InvalidJSON, UnsupportedMediaType, WebSocketDisconnect
from waypost.http.headers import Headers, HeadersInit
from waypost.http.json import encode_json, parse_json
from waypost.http.response import Response

if TYPE_CHECKING:
    from waypost.http.cookies import RequestCookies
    from waypost.http.link import Link
    from waypost.http.request import Request
    from waypost.http.signal import AbortSignal
    from waypost.http.url import NextURL

CONNECTING: Final = 0
OPEN: Final = 1
CLOSING: Final = 2
CLOSED: Final = 3

LONGEST_REASON: Final = 123  # bytes; what a control frame has room for (RFC 6455 section 5.5)
_SENDABLE: Final = frozenset((*range(1000, 1004), *range(1007, 1015)))


class WebSocket:
    """One conversation with a client.

    request: the handshake, an ordinary GET. params: the route's. protocol: the subprotocol that was agreed on, "" for
    none. Messages are str (text) or bytes (binary); one task at a time receives, any number may send.
    """

    __slots__ = ("_asked", "_fields", "_link", "_opened", "_receiving", "_refused", "params", "request")

    def __init__(self, link: Link, request: Request, params: Mapping[str, Any]) -> None:
        """For servers."""
        loop = asyncio.get_running_loop()
        self._link = link
        self.request = request
        self.params = params
        self._fields: HeadersInit = None
        self._asked: asyncio.Future[None] = loop.create_future()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._refused: tuple[int, str] | None = None
        self._receiving = False

    # -- the handshake

    @property
    def headers(self) -> Headers:
        return self.request.headers

    @property
    def cookies(self) -> RequestCookies:
        return self.request.cookies

    @property
    def next_url(self) -> NextURL:
        return self.request.next_url

    @property
    def ip(self) -> str | None:
        """The client's address; see Request.ip."""
        return self.request.ip

    @property
    def signal(self) -> AbortSignal:
        """Aborted when the connection is over, and when the server stops."""
        return self.request.signal

    @property
    def url(self) -> str:
        """The address the client connected to, `ws://…` or `wss://…`."""
        return f"ws{self.request.url.removeprefix('http')}"

    @property
    def protocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers, the one it likes best first."""
        return self._link.protocols

    async def accept(self, subprotocol: str | None = None, *, headers: HeadersInit = None) -> None:
        """Accept the conversation: the client is answered with 101, and what middleware adds to it.

        subprotocol: one of `protocols`; a browser that offers some and gets none closes the connection.
        headers: of the 101. Before this, a handler may return or raise an ordinary Response instead.
        Raises WebSocketDisconnect when the client is gone or middleware answered something else.
        """
        if self._refused is not None:
            raise WebSocketDisconnect(*self._refused)
        if self._asked.done():
            raise RuntimeError("the conversation was accepted already")
        if subprotocol is not None and subprotocol not in self.protocols:
            raise ValueError(f"the client does not offer the subprotocol {subprotocol!r}, but {self.protocols!r}")
        self._link.protocol = subprotocol or ""
        self._fields = headers
        self._asked.set_result(None)
        await self._open()

    async def _open(self) -> None:
        if not self._opened.done():
            if self._asked.done():
                # Shielded: of several tasks that wait here one may be cancelled.
                await asyncio.shield(self._opened)
            else:
                await self.accept()
        else:
            self._opened.result()

    # -- what was agreed on

    @property
    def protocol(self) -> str:
        return self._link.protocol

    @property
    def extensions(self) -> str:
        """The extensions in use, as `permessage-deflate`; "" for none."""
        return self._link.extensions

    @property
    def ready_state(self) -> int:
        """0 connecting, 1 open, 2 closing, 3 closed."""
        if not self._opened.done():
            return CONNECTING
        if self._link.inbox.outcome is None:
            return OPEN
        return CLOSING if self._link.closing else CLOSED

    @property
    def buffered_amount(self) -> int:
        """Bytes that were sent and that the system has not taken yet."""
        return self._link.buffered_amount

    @property
    def close_code(self) -> int | None:
        """The code of the end, None before it: 1005 where the client gave none, 1006 where the connection broke."""
        return self._link.inbox.code

    @property
    def close_reason(self) -> str:
        """The reason of the end, "" before it."""
        return self._link.inbox.reason

    # -- messages

    async def receive(self) -> str | bytes:
        """The next message. Raises WebSocketDisconnect when the conversation is over and all is received."""
        await self._open()
        if self._receiving:
            raise RuntimeError("another task is receiving from this socket")
        self._receiving = True
        try:
            return await self._link.inbox.get()
        finally:
            self._receiving = False

    async def receive_text(self) -> str:
        """The next message. A binary one raises UnsupportedMediaType, which nobody caught closes with 1003."""
        message = await self.receive()
        if isinstance(message, str):
            return message
        raise UnsupportedMediaType("Text was expected, not a binary message")

    async def receive_bytes(self) -> bytes:
        """The next message. A text raises UnsupportedMediaType, which nobody caught closes with 1003."""
        message = await self.receive()
        if isinstance(message, bytes):
            return message
        raise UnsupportedMediaType("A binary message was expected, not text")

    async def receive_json(self) -> Any:
        """The next message as JSON (RFC 8259). Raises InvalidJSON, which nobody caught closes with 1007."""
        message = await self.receive()
        try:
            return parse_json(message.encode() if isinstance(message, str) else message)
        except InvalidJSON:
            raise InvalidJSON("The message is not valid JSON") from None

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The messages until the conversation is over, however it ends; `close_code` then says how."""
        while True:
            try:
                message = await self.receive()
            except WebSocketDisconnect:
                return
            yield message

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send a text or a binary message. Waits while the client does not read what was sent before.

        Raises WebSocketDisconnect when the conversation is over.
        """
        if not isinstance(data, str | bytes):
            if not isinstance(data, bytearray | memoryview):
                raise TypeError(f"a message is str or bytes, not {type(data).__name__}: send_json() takes values")
            data = bytes(data)
        if not self._opened.done():
            await self._open()
        await self._link.send(data)

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON, in a text message."""
        await self.send(encode_json(value).decode())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the conversation; what was sent before still arrives. Does nothing where it is over.

        code: 1000, another that RFC 6455 lets an endpoint send, or 3000 to 4999. reason: up to 123 bytes of UTF-8.
        Before `accept` it refuses the conversation: the client is answered with 403. Raises ValueError.
        """
        check_close(code, reason)
        if self._opened.done():
            await self._link.close(code, reason)
        elif not self._asked.done():
            self._refused = self._refused or (code, reason)

    def __repr__(self) -> str:
        return f"WebSocket({self.request.path})"


def check_close(code: int, reason: str) -> None:
    """Raise ValueError for what can't stand in a close frame."""
    if code not in _SENDABLE and not 3000 <= code <= 4999:
        raise ValueError(f"{code!r} is not a code to close with: use 1000, or 3000 to 4999")
    if len(reason.encode()) > LONGEST_REASON:
        raise ValueError(f"the reason is longer than {LONGEST_REASON} bytes")


def switching_protocols(headers: HeadersInit = None) -> Response:
    """The answer that accepts a conversation; a server adds what the handshake needs."""
    response = Response(None, headers=headers)
    response._status = 101
    return response


def shortened(reason: str) -> str:
    """As much of a text as fits into a close frame."""
    return reason.encode()[:LONGEST_REASON].decode("utf-8", "ignore")
