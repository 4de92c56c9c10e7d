"""A request answered by another server: what a rewrite to an allowed origin does.

Bodies stream both ways, framed anew on each side. Nothing about the client's connection crosses, no cookie is kept
between requests, and no redirect is followed: where the answer comes from is decided by the program alone.
Source: RFC 9110 sections 7.6 and 7.7 (intermediaries); Next.js, rewrites to external URLs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from waypost.errors import BadRequest, HTTPError
from waypost.http.headers import Headers, RawHeaders
from waypost.http.payload import BodyStream
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.url import URL

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("waypost")

_CONNECT_TIMEOUT = 10.0  # seconds
# Fields about one connection (RFC 9110 section 7.6.1), and those that are written anew.
_HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"http2-settings",
    )
)  # fmt: skip
_OURS = frozenset((b"host", b"content-length", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"))
# What a stranger says about who he is must not reach a server that believes us.
_CLAIMS = frozenset((b"forwarded", b"x-real-ip"))


class Forwarder:
    """Sends requests to other servers. timeout: seconds of silence, 0 for no limit."""

    __slots__ = ("_loop", "_timeout", "_transport")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout or None
        self._transport: httpx2.AsyncHTTPTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: Request, url: str) -> Response:
        """The answer of `url` to a request. Raises HTTPError: 502 when there is none, 504 when it takes too long."""
        import httpx2

        if request._body is not None:
            request._body.limit_when_read = None  # it is not kept: how much is too much is the other server's say
        outgoing = httpx2.Request(
            request.method,
            url,
            headers=[*_request_fields(request), (b"host", URL(url).host.encode("ascii"))],
            content=request.stream() if request._body is not None else None,
            extensions={"timeout": self._timeouts()},
        )
        try:
            answer = await self._open().handle_async_request(outgoing)
        except httpx2.TimeoutException:
            log.warning("%s %s: %s did not answer in time", request.method, request.path, URL(url).origin)
            raise HTTPError("Gateway timeout", status=504) from None
        except httpx2.HTTPError as error:
            log.warning("%s %s: %s: %r", request.method, request.path, URL(url).origin, error)
            raise HTTPError("Bad gateway", status=502) from None
        return await _response(answer, request)

    def _open(self) -> httpx2.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        if self._transport is None or self._loop is not loop:
            import httpx2

            # Not a client: a client keeps the cookies of one visitor and sends them with the next one's request.
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=15.0)
            self._transport, self._loop = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits), loop
        return self._transport

    def _timeouts(self) -> dict[str, float | None]:
        return {"connect": _CONNECT_TIMEOUT, "pool": None, "read": self._timeout, "write": self._timeout}

    async def close(self, grace: float) -> None:
        """Close the connections, at once: grace is what whoever closes an application gives to all of its parts."""
        transport, self._transport = self._transport, None
        if transport is not None and self._loop is asyncio.get_running_loop():
            await transport.aclose()


def _request_fields(request: Request) -> RawHeaders:
    fields = request.headers.raw
    # A client may say that a field is for this connection only (RFC 9110 section 7.6.1). By naming one that middleware
    # has set, the one that says who it is above all, it would take that away; nobody needs it for others than these.
    if not _connection_fields(fields).isdisjoint({name for name, _ in fields} - _HOP_BY_HOP):
        raise BadRequest("The Connection header names a field that is not about the connection")
    trusted = request._connection.trusted
    dropped = _OURS | _HOP_BY_HOP
    if not trusted:
        dropped |= _CLAIMS
    chain = request.headers.get("x-forwarded-for") if trusted else None
    kept = [item for item in fields if item[0] not in dropped]
    peer = request._connection.peer
    forwarded_for = ", ".join(part for part in (chain, peer) if part)
    if forwarded_for:
        kept.append((b"x-forwarded-for", forwarded_for.encode("latin-1")))
    kept.append((b"x-forwarded-host", request.host.encode("latin-1")))
    kept.append((b"x-forwarded-proto", request.scheme.encode("ascii")))
    body = request._body
    if body is not None and body.declared is not None:
        kept.append((b"content-length", b"%d" % body.declared))  # without one the client sends chunks
    return kept


def _connection_fields(fields: RawHeaders) -> frozenset[bytes]:
    """The names that are about the connection, those that Connection lists included."""
    listed = [value for name, value in fields if name == b"connection"]
    return _HOP_BY_HOP.union(name.strip().lower() for value in listed for name in value.split(b","))


async def _response(answer: httpx2.Response, request: Request) -> Response:
    raw = [(name.lower(), value) for name, value in answer.headers.raw]
    dropped = _connection_fields(raw)
    length = next((int(value) for name, value in raw if name == b"content-length" and value.isdigit()), None)
    fields = Headers.from_raw(item for item in raw if item[0] not in dropped and item[0] != b"content-length")
    status = answer.status_code
    if not 200 <= status <= 599:
        await answer.aclose()
        raise HTTPError("Bad gateway", status=502)
    if status in (204, 205, 304):
        await answer.aclose()
        response = Response(None, status)
    else:
        # A chunked body has no length, whatever else the answer claims (RFC 9112 section 6.3).
        chunked = any(name == b"transfer-encoding" for name, _ in raw)
        response = Response(BodyStream(_Download(answer), length=None if chunked else length), status)
    response._headers = fields
    return response


class _Download:
    """The other server's body, as it comes; closing it frees the connection, begun or not."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self._chunks: AsyncIterator[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            self._chunks = self._answer.aiter_raw()
        return await anext(self._chunks)

    async def aclose(self) -> None:
        await self._answer.aclose()
