"""Request: the Web's Request with what Next.js adds (next_url, cookies), over what a parser delivered.

Everything but method and target is made when it is asked for: a handler that reads no header pays for none. Knows
neither sockets nor routes.
Source: Fetch standard, Request class; Next.js, NextRequest.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Unpack, overload

import msgspec

from waypost.errors import BodyUsedError, ClientDisconnected
from waypost.http.blob import Blob
from waypost.http.body import RequestBody
from waypost.http.cookies import RequestCookies
from waypost.http.forms import FormData, check_form, iter_parts, parse_form
from waypost.http.headers import Headers, HeadersInit, RawHeaders
from waypost.http.json import parse_json
from waypost.http.origin import client_of, host_of, origin_of, scheme_of
from waypost.http.signal import AbortController, AbortSignal
from waypost.http.site import Connection, Site
from waypost.http.streams import ReadableStream
from waypost.http.typed import reading
from waypost.http.url import URL, NextURL

if TYPE_CHECKING:
    from waypost.http.form_limits import FormOptions
    from waypost.http.forms import Part
    from waypost.http.link import Link
    from waypost.http.undecided import Undecided

T = TypeVar("T")
Octets: TypeAlias = bytes  # inside the class `bytes` is the method

_BODILESS = ("GET", "HEAD")
_UNSET = {
    "id": None, "keep_running": False, "on_signal": None, "undecided": None, "upgrade": None,
    "_body_used": False, "_shared": False,
    "_cookies": None, "_url": None, "_controller": None, "_left": None, "_form": None, "_stream": None,
}  # fmt: skip
_OFFLINE = Connection("http", None, None, Site())


class Request:
    """An HTTP request.

    Request(url, method=, headers=, body=, signal=) is the Web's constructor; servers use `incoming`.
    body: str or bytes. Bodies read whole (`text json bytes form_data blob`) may be read again; `stream()` gives the
    chunks as they come, once.
    """

    __slots__ = (
        "_body", "_body_used", "_connection", "_controller", "_cookies", "_form", "_headers", "_left", "_next_url",
        "_raw", "_shared", "_stream", "_url", "id", "keep_running", "method", "on_signal", "path", "pending",
        "query_string", "undecided", "upgrade",
    )  # fmt: skip

    method: str
    path: str  # as sent: percent-escapes kept, without the query
    query_string: str  # as sent, without the "?"
    id: str | None  # what the logs and X-Request-Id call it, where ids are on
    keep_running: bool  # whether a handler goes on after its client has left
    on_signal: Callable[[Request], None] | None  # how a server begins to watch the client, once `signal` is asked for
    upgrade: Link | None  # a server's way to a conversation, where the client asks for a WebSocket
    undecided: Undecided | None  # inside of wrapping middleware: what is decided behind it
    pending: list[Any] | None  # what runs when the response is sent; the application fills it
    _raw: RawHeaders
    _body: RequestBody | None
    _body_used: bool
    _shared: bool
    _connection: Connection
    _headers: Headers | None
    _cookies: RequestCookies | None
    _next_url: NextURL | None
    _url: str | None
    _controller: AbortController | None
    _left: Any
    _form: FormData | None
    _stream: ReadableStream | None

    def __init__(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        headers: HeadersInit = None,
        body: str | Octets | None = None,
        signal: AbortSignal | None = None,
    ) -> None:
        parsed = url if isinstance(url, URL) else URL(url)
        fields = Headers(headers)
        if isinstance(body, str):
            body = body.encode()
            if not fields.has("content-type"):
                fields.set("content-type", "text/plain;charset=UTF-8")
        method = method.upper()
        if body is not None and method in _BODILESS:
            raise TypeError(f"a {method} request has no body")
        if not fields.has("host"):
            fields.set("host", parsed.host)
        connection = Connection(parsed.protocol.rstrip(":"), None, None, _OFFLINE.site)
        whole = None if body is None else RequestBody.of(body)
        arrived(method, parsed.pathname, parsed.search[1:], fields.raw, whole, connection, self)
        if signal is not None:
            signal.on_abort(lambda: self.abort(signal.reason))

    # -- where it goes

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # The slots that most requests never need are filled when they are first read: ten stores less for each.
            try:
                value = _UNSET[name]
            except KeyError:
                spelling = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
                hint = f": it is called {spelling}" if spelling != name and hasattr(type(self), spelling) else ""
                raise AttributeError(f"a Request has no attribute {name!r}{hint}") from None
            setattr(self, name, value)
            return value

    @property
    def url(self) -> str:
        """The absolute URL: scheme and host as the client (or a trusted proxy) names them, path and query as sent."""
        if self._url is None:
            query = f"?{self.query_string}" if self.query_string else ""
            self._url = f"{origin_of(self._connection, self._raw)}{self.path}{query}"
        return self._url

    @property
    def scheme(self) -> str:
        """ "http" or "https"; X-Forwarded-Proto counts only from a trusted proxy."""
        return scheme_of(self._connection, self._raw)

    @property
    def host(self) -> str:
        """Host and port as the client sent them; X-Forwarded-Host counts only from a trusted proxy."""
        return host_of(self._connection, self._raw)

    @property
    def next_url(self) -> NextURL:
        """The URL in parts (Next.js, NextURL): pathname without the base path, search_params, clone() …"""
        if self._next_url is None:
            connection = self._connection
            # Not a method of this request: the two would hold each other, and only the garbage collector free them.
            origin = _Origin(connection, self._raw)
            self._next_url = NextURL.of_target(origin, self.path, self.query_string, connection.site.base_path)
        return self._next_url

    @property
    def ip(self) -> str | None:
        """The client's address in canonical form; None over a Unix socket.

        The socket's peer, or what configured proxies say in X-Forwarded-For; a header of anyone else is ignored.
        """
        return client_of(self._connection, self._raw)

    # -- headers

    @property
    def headers(self) -> Headers:
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers()
            headers.raw.extend(self._connection.lowered(self._raw))
        return headers

    def replace_headers(self, headers: HeadersInit) -> None:
        """Give everyone who reads this request later exactly these headers; for middleware's `request_headers`.

        Who the client is and where it asked stay what they were: url, host, scheme and ip go by what was sent.
        """
        self._headers = Headers(headers)

    @property
    def cookies(self) -> RequestCookies:
        """The cookies the client sent; set and delete change this request only."""
        sent = self.headers.get("cookie") or ""
        cookies = self._cookies
        # Middleware may have changed the header since: what follows must not see what it took away.
        if cookies is None or cookies.header != sent:
            cookies = self._cookies = RequestCookies(sent, on_change=self._set_cookie_header)
        return cookies

    def _set_cookie_header(self, value: str) -> None:
        if value:
            self.headers.set("cookie", value)
        else:
            self.headers.delete("cookie")

    # -- body

    @property
    def body(self) -> ReadableStream | None:
        """The body as a stream; None for GET and HEAD and where none was announced."""
        if self._body is None:
            return None
        if self._stream is None:
            self._stream = ReadableStream.from_(self.stream())
        return self._stream

    @property
    def body_used(self) -> bool:
        """Whether the body was read, whole or as a stream."""
        return self._body_used

    def bytes(self) -> Coroutine[Any, Any, Octets]:
        """The whole body. Raises BodyTooLarge (413) past the route's limit, ClientDisconnected when it broke off."""
        # No coroutine of its own around the body's: most handlers that have a body begin with this.
        if self._body is None:
            return _no_bytes()
        self._body_used = True
        return self._body.read()

    async def array_buffer(self) -> Octets:
        """The Web's name for bytes()."""
        return await self.bytes()

    async def text(self) -> str:
        """The body as UTF-8, whatever its charset says; invalid bytes become U+FFFD (Fetch standard)."""
        data = await self.bytes()
        return (data[3:] if data.startswith(b"\xef\xbb\xbf") else data).decode("utf-8", "replace")

    @overload
    async def json(self) -> Any: ...
    @overload
    async def json(self, schema: type[T]) -> T: ...
    async def json(self, schema: Any = None) -> Any:
        """The body as JSON (RFC 8259), whatever the content type says.

        schema: a model, Struct, dataclass, TypedDict or another annotation that the body has to fit; the result is one
        of these. Then the content type must be JSON's: UnsupportedMediaType (415) for another, ValidationFailed (400)
        for a body that does not fit. Raises InvalidJSON, which is 400 when nobody catches it.
        """
        if schema is not None:
            return await reading().json(self, schema)
        return parse_json(await self.bytes())

    def query(self, schema: type[T]) -> T:
        """The query as `schema` has it: a model, Struct, dataclass or TypedDict. Raises ValidationFailed (400)."""
        fields: T = reading().query(self, schema)
        return fields

    async def blob(self) -> Blob:
        return Blob([await self.bytes()], type=self.headers.get("content-type") or "")

    @overload
    async def form_data(self, **options: Unpack[FormOptions]) -> FormData: ...
    @overload
    async def form_data(self, schema: type[T], **options: Unpack[FormOptions]) -> T: ...
    async def form_data(self, schema: Any = None, **options: Unpack[FormOptions]) -> Any:
        """The fields and files of a urlencoded or multipart body; large files are on disk.

        The limits take the place of the configured ones; sizes are bytes, or "5mb". accept: types that files may
        have by their bytes, as ("image/png", "image/*"). on_progress: called with the bytes that have come and the
        number of all (None when it is not known). schema: a model, Struct, dataclass or TypedDict that the form has to
        fit, with fields of the type File for uploads; the result is one of these, ValidationFailed (400) says why not.
        Raises UnsupportedMediaType (415) for another content type or file type, InvalidForm (400) for a malformed or
        truncated form, BodyTooLarge (413) past a limit.
        """
        if schema is not None:
            return await reading().form(self, schema, options)
        own = self._connection.site.forms
        limits = own.changed(options)
        if self._form is None:
            self._form = await parse_form(self.headers.get("content-type"), self._reported(options), limits)
        elif limits is not own:
            check_form(self._form, limits)
        return self._form

    def parts(self, **options: Unpack[FormOptions]) -> AsyncGenerator[Part, None]:
        """The parts of a multipart body as they come, none of them kept in memory. Arguments: as for form_data()."""
        limits = self._connection.site.forms.changed(options)
        return iter_parts(self.headers.get("content-type"), self._reported(options), limits)

    def _reported(self, options: FormOptions) -> AsyncIterator[Octets]:
        on_progress = options.get("on_progress")
        if on_progress is None:
            return self.stream()
        from waypost.http.saving import reporting

        return reporting(self.stream(), on_progress, self._body.declared if self._body is not None else 0)

    async def stream(self) -> AsyncIterator[Octets]:
        """The body in chunks as they come, once."""
        body = self._body
        if body is None:
            return
        self._body_used = True
        if self._shared:
            yield await body.read()
            return
        async for chunk in body.chunks():
            yield chunk

    def clone(self) -> Request:
        """A second Request over the same body, which is then kept in memory. Raises BodyUsedError after stream()."""
        if self._body is not None and self._body.taken:
            raise BodyUsedError("the body was already taken as a stream: clone() before reading")
        twin = arrived(self.method, self.path, self.query_string, self._raw, self._body, self._connection)
        twin._headers = self.headers.copy()
        self._shared = twin._shared = True
        twin._controller = self._signal_controller()
        return twin

    # -- the client's leaving

    @property
    def signal(self) -> AbortSignal:
        """Aborted when the client goes away before the response is complete."""
        return self._signal_controller().signal

    def _signal_controller(self) -> AbortController:
        if self._controller is None:
            self._controller = AbortController()
            if self.on_signal is not None:
                self.on_signal(self)
            if self._left is not None:
                self._controller.abort(self._left)
        return self._controller

    def abort(self, reason: Any = None) -> None:
        """Say that the client left; for servers."""
        if self._left is not None:
            return
        self._left = reason if reason is not None else ClientDisconnected("the client closed the connection")
        if self._body is not None:
            self._body.fail(ClientDisconnected("the client closed the connection before the body was complete"))
        if self._controller is not None:
            self._controller.abort(self._left)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"


NextRequest = Request


class _Origin(msgspec.Struct, gc=False):
    """Scheme and host of a request, for a URL that may never be asked for them."""

    connection: Connection
    raw: RawHeaders

    def __call__(self) -> str:
        return origin_of(self.connection, self.raw)


async def _no_bytes() -> bytes:
    return b""


_new = Request.__new__


def arrived(
    method: str,
    path: str,
    query: str,
    raw: RawHeaders,
    body: RequestBody | None,
    connection: Connection,
    request: Request | None = None,
) -> Request:
    """As `incoming`, with a target that is split already. request: the object to fill, a new one unless given."""
    if request is None:
        request = _new(Request)
    request.method = method
    request.path = path
    request.query_string = query
    request.pending = None
    request._raw = raw
    request._body = body
    request._connection = connection
    request._headers = request._next_url = None
    return request


def incoming(method: str, target: str, raw: RawHeaders, body: RequestBody | None, connection: Connection) -> Request:
    """The Request of a server.

    target: as sent, origin form, ASCII. raw: header fields as sent; names in any case. body: None when the message
    has none. GET and HEAD have no body (Fetch standard): a server drops what was sent.
    """
    path, _, query = target.partition("?")
    return arrived(method, path, query, raw, None if method in _BODILESS else body, connection)
