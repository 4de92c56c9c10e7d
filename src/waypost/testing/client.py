"""An in-process client over the application, and a request scope for calling a handler directly.

No network: a request goes through the very path a server's would, and a streamed body comes chunk by chunk as it is
made. `AsyncClient` is for async tests; `Client` (plain.py) is the same for plain ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack

from waypost.app.application import Application
from waypost.app.context import Context, RequestScope, current_scope
from waypost.config import load_config
from waypost.environment import load_env
from waypost.errors import InvalidHost
from waypost.http.body import RequestBody
from waypost.http.cookies import ResponseCookies
from waypost.http.forms import FormData
from waypost.http.headers import Headers, HeadersInit, RawHeaders
from waypost.http.host import valid_host
from waypost.http.json import parse_json
from waypost.http.outgoing import encode_body
from waypost.http.payload import BodyStream, encode_chunk
from waypost.http.request import Request, incoming
from waypost.http.response import Response
from waypost.http.site import Connection
from waypost.http.url import URLSearchParams
from waypost.openapi.serving import open_application
from waypost.testing.websocket import AsyncClientSocket, Connecting, HandshakeRefused

T = TypeVar("T")

BodyData: TypeAlias = str | bytes | AsyncIterator[bytes] | FormData | URLSearchParams | None


class RequestOptions(TypedDict, total=False):
    """What a request is sent with; see AsyncClient.request."""

    headers: HeadersInit
    params: Mapping[str, str] | None
    json: Any
    body: BodyData


class AsyncClient:
    """Sends requests to the application at `path` (a project folder, or an Application) without a socket.

    Use as `async with AsyncClient(".") as client`. Cookies that responses set are sent back by later requests.
    host: what the Host header says. ip: the peer's address.
    """

    def __init__(
        self,
        path: str | Path | Application = ".",
        *,
        host: str = "testserver",
        ip: str = "127.0.0.1",
        dev: bool = False,
    ) -> None:
        if not isinstance(path, Application):
            load_env(Path(path).resolve(), "test")
            mode: Literal["development", "test"] = "development" if dev else "test"
            # In memory: a test must not find what an earlier one has cached.
            path = open_application(load_config(Path(path).resolve(), mode, {"cache_url": "memory:"}))
        self.application = path
        self.host = host
        self.cookies: dict[str, str] = {}
        self._connection = Connection("http", ip, (host, None), path.site)

    async def __aenter__(self) -> Self:
        await self.application.startup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.application.shutdown()

    async def request(self, method: str, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        """Send a request and read the whole answer.

        target: path and query, sent as it is. params: added to the query. json: sent as application/json.
        body: text, bytes, FormData (multipart), URLSearchParams, or an async iterator (sent chunked).
        """
        async with self.stream(method, target, **options) as response:
            await response.read()
            return response

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        *,
        headers: HeadersInit = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        body: BodyData = None,
    ) -> AsyncIterator[ClientResponse]:
        """Send a request and give the answer as soon as its headers are there; `async for chunk in response` reads it.

        Leaving the block early is the client's going away: the signal aborts and the stream's generator is closed.
        """
        fields = self._fields(headers)
        content_type, data = encode_body(json, body)
        if content_type is not None and not fields.has("content-type"):
            fields.set("content-type", content_type)
        if params:
            target += ("&" if "?" in target else "?") + str(URLSearchParams(dict(params)))
        request_body, feeder = _request_body(data, fields.raw)
        request = incoming(method, target, fields.raw, request_body, self._connection)
        try:
            # A task of its own, as a server gives it: what the handler sets in its context must not reach the test.
            response = await asyncio.create_task(_with_feeder(self.application, request, request_body, feeder))
            self._keep_cookies(response)
            answer = ClientResponse(response, method)
            try:
                yield answer
            finally:
                if not answer.complete:
                    request.abort()
                await answer.close()
        finally:
            self.application.response_sent(request)

    @contextlib.asynccontextmanager
    async def websocket(
        self, target: str, *, headers: HeadersInit = None, protocols: Sequence[str] = ()
    ) -> AsyncIterator[AsyncClientSocket]:
        """Open a WebSocket. Leaving the block closes it, and waits until the handler is done.

        protocols: the subprotocols to offer. Raises HandshakeRefused when the answer is another than 101.
        """
        request = incoming("GET", target, self._fields(headers).raw, None, self._connection)
        connecting = Connecting(self.application, request, protocols)
        try:
            refusal = await connecting.response()
            if refusal is not None:
                answer = ClientResponse(refusal, "GET")
                await answer.read()
                raise HandshakeRefused(answer)
            accepted = connecting.link.opened.result()
            self._keep_cookies(accepted)
            yield AsyncClientSocket(connecting.link, accepted)
        finally:
            await connecting.end()

    def _fields(self, headers: HeadersInit) -> Headers:
        """The headers to send: Host and the cookies beside what was given. Raises InvalidHost."""
        fields = Headers(headers)
        if not fields.has("host"):
            fields.set("host", self.host)
        if self.cookies and not fields.has("cookie"):
            fields.set("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if not valid_host(fields.get("host", "").encode("latin-1")):
            raise InvalidHost("a server refuses this Host header with 400")
        return fields

    def _keep_cookies(self, response: Response) -> None:
        for cookie in ResponseCookies(response.headers.get_set_cookie()).get_all():
            if cookie.value:
                self.cookies[cookie.name] = cookie.value
            else:
                self.cookies.pop(cookie.name, None)

    async def get(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("GET", target, **options)

    async def head(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("HEAD", target, **options)

    async def post(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("POST", target, **options)

    async def put(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("PUT", target, **options)

    async def patch(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("PATCH", target, **options)

    async def delete(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("DELETE", target, **options)

    async def options(self, target: str, **options: Unpack[RequestOptions]) -> ClientResponse:
        return await self.request("OPTIONS", target, **options)


class ClientResponse:
    """What the client received: status, headers, and the body whole (`content text json`) or chunk by chunk."""

    def __init__(self, response: Response, method: str) -> None:
        self.status = response.status
        self.headers = Headers(response.headers)
        self.complete = False
        self._response = response
        self._head = method == "HEAD"
        self._content: bytes | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        payload = self._response.payload
        if self._head:
            pass
        elif isinstance(payload, BodyStream):
            async for chunk in payload.take():
                yield encode_chunk(chunk)
        elif payload:
            yield payload
        self.complete = True

    async def read(self) -> bytes:
        """The whole body; kept."""
        if self._content is None:
            self._content = b"".join([chunk async for chunk in self])
        return self._content

    async def close(self) -> None:
        payload = self._response.payload
        if isinstance(payload, BodyStream):
            await payload.aclose()

    @property
    def content(self) -> bytes:
        """The body, once it is read."""
        if self._content is None:
            raise RuntimeError("the body has not been read: use read(), or iterate over the response")
        return self._content

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return parse_json(self.content)

    def __repr__(self) -> str:
        return f"ClientResponse({self.status})"


@contextlib.contextmanager
def request_scope(request: Request | None = None, **params: Any) -> Iterator[Context]:
    """Make `request` the current one, so that a handler can be called directly and cookies(), headers() work.

    params: the values of path segments. Gives the Context to pass on:
    `with request_scope(request, id="7") as context: response = await GET(request, context)`.
    """
    request = request or Request("http://testserver/")
    scope = RequestScope(request, request.path)
    scope.params = params
    token = current_scope.set(scope)
    try:
        yield Context(scope.params)
    finally:
        current_scope.reset(token)


def _request_body(
    data: bytes | AsyncIterator[bytes] | None, raw: RawHeaders
) -> tuple[RequestBody | None, AsyncIterator[bytes] | None]:
    if data is None:
        return None, None
    if isinstance(data, bytes):
        if not any(name == b"content-length" for name, _ in raw):
            raw.append((b"content-length", b"%d" % len(data)))
        return RequestBody.of(data), None
    raw.append((b"transfer-encoding", b"chunked"))
    return RequestBody(None), data


async def _with_feeder(
    application: Application, request: Request, body: RequestBody | None, chunks: AsyncIterator[bytes] | None
) -> Response:
    if body is None or chunks is None:
        return await application.handle(request)

    async def feed() -> None:
        async for chunk in chunks:
            body.feed(chunk)
            await asyncio.sleep(0)
        body.finish()

    feeder = asyncio.create_task(feed())
    try:
        return await application.handle(request)
    finally:
        if not feeder.done() and not body.taken:
            feeder.cancel()
