"""The HTTP client behind fetch(): one for each event loop, made at the first call.

It keeps no cookies: what one answer sets must not be sent with another user's request.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from waypost.errors import FetchError
from waypost.http.headers import Headers, RawHeaders
from waypost.http.payload import BodyStream
from waypost.http.response import Response
from waypost.http.signal import AbortSignal

if TYPE_CHECKING:
    import httpx2

# A shorter answer is read at once, which gives the connection back although nobody may ever read it.
_READ_AT_ONCE: Final = 1_048_576  # bytes
_CONNECTIONS: Final = 100
# Of one transfer; the body that is handed on is decoded and has a length of its own.
_TRANSFER: Final = frozenset(
    (b"content-encoding", b"content-length", b"transfer-encoding", b"connection", b"keep-alive")
)
_NULL_BODY: Final = frozenset((204, 205, 304))

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = weakref.WeakKeyDictionary()


class Sent(NamedTuple):
    """A request as it goes out."""

    method: str
    url: str
    headers: RawHeaders
    body: bytes | None


async def request_upstream(
    sent: Sent, *, redirect: str, timeout: float, signal: AbortSignal | None, whole: bool = False
) -> Response:
    """Send it and give the answer; a long body as a stream, unless it is wanted whole.

    Raises FetchError, or the signal's reason.
    """
    work = _exchange(sent, redirect, timeout, whole)
    if signal is None:
        return await work
    task = asyncio.ensure_future(work)

    def stop() -> None:
        task.cancel()

    signal.on_abort(stop)
    try:
        return await task
    except asyncio.CancelledError:
        signal.throw_if_aborted()
        raise
    finally:
        signal.remove_event_listener("abort", stop)


async def _exchange(sent: Sent, redirect: str, timeout: float, whole: bool) -> Response:
    import httpx2

    client = _client()
    request = client.build_request(sent.method, sent.url, headers=sent.headers, content=sent.body, timeout=timeout)
    try:
        answer = await client.send(request, stream=True, follow_redirects=redirect == "follow")
        try:
            if redirect == "error" and answer.is_redirect:
                raise FetchError(f"{sent.method} {sent.url} was redirected")
            return await _receive(answer, whole)
        except BaseException:
            await answer.aclose()
            raise
    except httpx2.HTTPError as error:
        raise FetchError(f"{sent.method} {sent.url}: {error or type(error).__name__}") from error


async def _receive(answer: httpx2.Response, whole: bool) -> Response:
    fields = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _TRANSFER]
    status = answer.status_code if 200 <= answer.status_code <= 599 else 500
    length = answer.headers.get("content-length", "")
    body: bytes | BodyStream | None
    if status in _NULL_BODY:
        await answer.aread()
        body = None
    elif whole or (length.isdigit() and int(length) <= _READ_AT_ONCE):
        body = await answer.aread()
    else:
        body = _streamed(answer)
    response = Response(body, status)
    response._headers = Headers.from_raw(fields)
    return response


class _UpstreamBody(BodyStream):
    """A BodyStream that can be seen to be dropped."""

    __slots__ = ("__weakref__",)


def _streamed(answer: httpx2.Response) -> BodyStream:
    loop = asyncio.get_running_loop()

    async def chunks() -> AsyncIterator[bytes]:
        import httpx2

        try:
            async for chunk in answer.aiter_bytes():
                yield chunk
        except httpx2.HTTPError as error:
            raise FetchError(f"the answer of {answer.url} broke off: {error or type(error).__name__}") from error
        finally:
            await answer.aclose()

    stream = _UpstreamBody(chunks())
    # A body that is dropped unread would keep its connection for ever.
    weakref.finalize(stream, _drop, loop, answer)
    return stream


def _drop(loop: asyncio.AbstractEventLoop, answer: Any) -> None:
    if not answer.is_closed and loop.is_running():
        loop.call_soon_threadsafe(lambda: loop.create_task(answer.aclose()))


def _client() -> httpx2.AsyncClient:
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        try:
            import httpx2
        except ImportError:
            raise FetchError("fetch() needs the package httpx2: pip install 'waypost[fetch]'") from None
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        client = _clients[loop] = httpx2.AsyncClient(
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx2.Limits(max_connections=_CONNECTIONS),
        )
        client.headers["user-agent"] = "waypost"
    return client


async def close_client() -> None:
    """Close the connections of the running loop's client."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()
