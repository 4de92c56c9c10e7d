"""The opening handshake of a WebSocket: what a client must send, and what it is sent back.

Judged when a route asks, so that a request whose route has no WEBSOCKET is an ordinary GET however bad it is.
Knows no frames.
Source: RFC 6455 section 4.2.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from typing import Final

from waypost.errors import BadRequest, HTTPError
from waypost.http.headers import RawHeaders
from waypost.http.response import Response
from waypost.server.timeouts import Clock
from waypost.server.writer import status_line

VERSION: Final = b"13"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==\Z")  # 16 bytes in base64
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
# Of the 101 these are the server's to write.
_OURS: Final = frozenset((b"connection", b"upgrade", b"date", b"content-length", b"transfer-encoding", b"keep-alive"))


class Handshake:
    """What the client sent. refusal: what is wrong with it. extensions: the offers, as sent."""

    __slots__ = ("extensions", "key", "protocols", "refusal")

    def __init__(self, raw: RawHeaders) -> None:
        fields: dict[bytes, list[bytes]] = {}
        has_body = False
        for name, value in raw:
            lower = name.lower()
            if lower == b"transfer-encoding" or (lower == b"content-length" and value.strip(b"0")):
                has_body = True
            elif lower.startswith(b"sec-websocket-"):
                fields.setdefault(lower[14:], []).append(value)
        keys = fields.get(b"key", [])
        self.key = keys[0] if keys else b""
        self.extensions = b", ".join(fields.get(b"extensions", []))
        self.protocols: tuple[str, ...] = ()
        self.refusal = self._judge(fields, has_body)

    def _judge(self, fields: dict[bytes, list[bytes]], has_body: bool) -> HTTPError | None:
        if fields.get(b"version") != [VERSION]:
            headers = {"Sec-WebSocket-Version": VERSION.decode(), "Upgrade": "websocket"}
            return HTTPError("WebSocket version not supported", status=426, headers=headers)
        if has_body:
            return BadRequest("A WebSocket handshake has no body")
        if len(fields.get(b"key", [])) != 1 or _KEY.match(self.key) is None:
            return BadRequest("Invalid Sec-WebSocket-Key header")
        offered = [item.strip(b" \t") for value in fields.get(b"protocol", []) for item in value.split(b",")]
        if len(set(offered)) != len(offered) or not all(map(_TOKEN.match, offered)):
            return BadRequest("Invalid Sec-WebSocket-Protocol header")
        self.protocols = tuple(item.decode("ascii") for item in offered)
        return None

    def acceptance(self, response: Response, clock: Clock, protocol: str, extensions: str) -> bytes:
        """The head of the 101. response: what the handler and middleware made of it."""
        accept = b64encode(sha1(self.key + _GUID, usedforsecurity=False).digest())
        parts = [
            status_line(101),
            clock.date,
            b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: %b\r\n" % accept,
        ]
        if protocol:
            parts.append(b"sec-websocket-protocol: %b\r\n" % protocol.encode("ascii"))
        if extensions:
            parts.append(b"sec-websocket-extensions: %b\r\n" % extensions.encode("ascii"))
        parts += [
            b"%b: %b\r\n" % field
            for field in response.raw_headers()
            if field[0] not in _OURS and not field[0].startswith(b"sec-websocket-")
        ]
        parts.append(b"\r\n")
        return b"".join(parts)
