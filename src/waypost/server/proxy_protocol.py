"""The PROXY protocol, versions 1 and 2: a load balancer says before the first byte who the client is.

Only a configured proxy may say it; any other peer on such a socket is cut. Knows no HTTP: it hands the connection
to the real protocol with the facts in place.
Source: haproxy, doc/proxy-protocol.txt.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TypeAlias

from waypost.http.site import Connection
from waypost.server.protocol import HttpConnection
from waypost.server.service import Service

Endpoints: TypeAlias = "tuple[str, tuple[str, int]] | None"

_SIGNATURE_2 = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_1 = 107
_LONGEST_2 = 16 + 4096


class ProxyHeaderError(ValueError):
    """The bytes are no PROXY header."""


def parse_proxy_header(data: bytes) -> tuple[int, Endpoints] | None:
    """Read a header at the start of `data`: its size, and (client address, (our address, port)).

    None while it is incomplete; endpoints are None for `UNKNOWN` and `LOCAL` (the proxy itself speaks).
    Raises ProxyHeaderError.
    """
    if data[:12] == _SIGNATURE_2[: len(data[:12])]:
        return _parse_2(data)
    if data[:6] == b"PROXY "[: len(data[:6])]:
        return _parse_1(data)
    raise ProxyHeaderError("no PROXY header")


def _parse_1(data: bytes) -> tuple[int, Endpoints] | None:
    end = data.find(b"\r\n", 0, _LONGEST_1 + 2)
    if end < 0:
        if len(data) > _LONGEST_1:
            raise ProxyHeaderError("the PROXY line is too long")
        return None
    fields = data[:end].decode("latin-1").split(" ")
    if fields[1] == "UNKNOWN":
        return end + 2, None
    if len(fields) != 6 or fields[1] not in ("TCP4", "TCP6"):
        raise ProxyHeaderError("a malformed PROXY line")
    version = 4 if fields[1] == "TCP4" else 6
    try:
        source, target = ipaddress.ip_address(fields[2]), ipaddress.ip_address(fields[3])
        port = int(fields[5]) if fields[5].isascii() and fields[5].isdigit() else -1
    except ValueError as error:
        raise ProxyHeaderError("a malformed address in the PROXY line") from error
    if source.version != version or target.version != version or not 0 <= port <= 65535:
        raise ProxyHeaderError("a malformed address in the PROXY line")
    return end + 2, (str(source), (str(target), port))


def _parse_2(data: bytes) -> tuple[int, Endpoints] | None:
    if len(data) < 16:
        return None
    command, family = data[12], data[13]
    size = 16 + int.from_bytes(data[14:16])
    if command >> 4 != 2 or command & 15 > 1 or size > _LONGEST_2:
        raise ProxyHeaderError("a malformed PROXY header")
    if len(data) < size:
        return None
    if command & 15 == 0 or family not in (0x11, 0x21):
        return size, None
    width = 4 if family == 0x11 else 16
    if size < 16 + 2 * width + 4:
        raise ProxyHeaderError("a PROXY header that is too short")
    source = ipaddress.ip_address(data[16 : 16 + width])
    target = ipaddress.ip_address(data[16 + width : 16 + 2 * width])
    port = int.from_bytes(data[18 + 2 * width : 20 + 2 * width])
    return size, (str(source), (str(target), port))


class ProxyPreface(asyncio.Protocol):
    """Reads the header, then gives the connection to an HttpConnection that knows the real client."""

    __slots__ = ("_connection", "_data", "_handle", "_service", "_transport")

    _connection: Connection

    def __init__(self, service: Service) -> None:
        self._service = service
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._handle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        service = self._service
        self._transport = transport  # type: ignore[assignment]  # a stream transport
        self._connection = service.describe(transport)
        if not self._connection.trusted:
            # Anyone could call himself anyone.
            self._abort()
            return
        seconds = service.limits.header_timeout
        if seconds:
            self._handle = service.loop.call_later(seconds, self._abort)

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            found = parse_proxy_header(self._data)
        except ProxyHeaderError:
            self._abort()
            return
        if found is None:
            return
        size, endpoints = found
        self._stop_waiting()
        transport = self._transport
        assert transport is not None
        http = HttpConnection(self._service)
        http.connection = self._connection
        if endpoints is not None:
            http.connection = Connection("http", endpoints[0], endpoints[1], self._service.site)
        transport.set_protocol(http)
        http.connection_made(transport)
        if len(self._data) > size:
            http.data_received(self._data[size:])

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
