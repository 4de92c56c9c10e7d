"""Response: the Web's Response with what Next.js adds (cookies, redirect), checked before any server sees it.

A Response derives from BaseException so that it can be raised as well as returned, and so that a plain
`except Exception` does not swallow one. Knows neither requests nor sockets.
Source: Fetch standard, Response class; Next.js, NextResponse.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, TypeAlias, overload

from waypost.errors import InvalidResponseError
from waypost.http.blob import Blob
from waypost.http.control import GO_ON, Control
from waypost.http.cookies import ResponseCookies
from waypost.http.forms import FormData, encode_multipart
from waypost.http.headers import Headers, HeadersInit, RawHeaders
from waypost.http.json import encode_json, parse_json
from waypost.http.location import render_location
from waypost.http.payload import BodyStream, encode_chunk, from_iterable
from waypost.http.streams import ReadableStream
from waypost.http.url import URL, URLSearchParams

if TYPE_CHECKING:
    from datetime import datetime

    from waypost.http.file_response import SpanReader

BodyInit: TypeAlias = (
    str | bytes | bytearray | memoryview | Blob | FormData | URLSearchParams | ReadableStream | BodyStream
    | AsyncIterable[Any] | Iterable[Any] | None
)  # fmt: skip
Octets: TypeAlias = bytes  # inside the class `bytes` is the method

_JSON_TYPE = b"application/json"
_TEXT_TYPE = b"text/plain;charset=UTF-8"
_FORM_TYPE = b"application/x-www-form-urlencoded;charset=UTF-8"
NULL_BODY: Final = frozenset((204, 205, 304))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_REASON_OK = frozenset([9, *range(0x20, 0x7F), *range(0x80, 0x100)])


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    # With a default, so that strict checkers take a bare `Response` for one of anything.
    T_co = TypeVar("T_co", default=Any, covariant=True)
    Data = TypeVar("Data")
else:
    from typing import TypeVar

    T_co = TypeVar("T_co", covariant=True)


class JSONFactory(Protocol):
    """`Response.json(data, status=, headers=)` on the class."""

    def __call__(
        self, data: Data, status: int = 200, headers: HeadersInit = None, *, status_text: str = ""
    ) -> Response[Data]: ...


class _JSON:
    """`Response.json(data)` makes a response, `await response.json()` reads one: both are the Web's names."""

    __slots__ = ()

    @overload
    def __get__(self, instance: None, owner: type[Response]) -> JSONFactory: ...
    @overload
    def __get__(self, instance: Response, owner: type[Response]) -> Callable[[], Awaitable[Any]]: ...
    def __get__(self, instance: Response | None, owner: type[Response]) -> Any:
        return _make_json if instance is None else instance._read_json


class Response(BaseException, Generic[T_co]):
    """An HTTP response. `Response[Post]` is one whose JSON is a Post; `Response` may hold anything.

    body: str (sent as UTF-8, `text/plain;charset=UTF-8`), bytes, Blob, FormData, URLSearchParams, ReadableStream,
    an async iterable, or a plain iterable, which is advanced in a worker thread; None for no body.
    status: 200..599. Raises InvalidResponseError for a status outside, or for a body with 204, 205 or 304; an
    empty text is no body there.
    headers: raises InvalidHeaderError for what can't go on the wire.
    """

    __slots__ = ("_content_type", "_headers", "_payload", "_status")

    _status: int
    _payload: Octets | BodyStream | None
    _content_type: Octets | None
    _headers: Headers | None
    # Few responses have these; the others share the defaults, which saves them two stores.
    _control: Control | None = None
    status_text: str = ""

    def __init__(
        self, body: BodyInit = None, status: int = 200, headers: HeadersInit = None, *, status_text: str = ""
    ) -> None:
        self._headers = None
        self._payload, self._content_type = _extract(body)
        self._status = status
        if status != 200 or status.__class__ is not int:
            if status in NULL_BODY and self._payload == b"":
                self._payload = self._content_type = None  # as middleware gives it that makes a body of text()
            _check_status(status, self._payload)
        if status_text:
            self.status_text = _checked_reason(status_text)
        if headers is not None:
            self._set_headers(headers)

    def _set_headers(self, init: HeadersInit) -> None:
        headers = self._headers = Headers(init)
        if self._content_type is not None and not headers.has("content-type"):
            headers.raw.append((b"content-type", self._content_type))

    json = _JSON()

    @classmethod
    def redirect(cls, url: str | URL, status: int = 307, headers: HeadersInit = None) -> Response:
        """A redirect: status 301, 302, 303, 307 or 308; url absolute, or a path of this site.

        Raises InvalidResponseError for another status, InvalidHeaderError for a target that is no http(s) URL.
        """
        if status not in _REDIRECTS:
            raise InvalidResponseError(f"{status!r} is not a redirect status: use 301, 302, 303, 307 or 308")
        response = cls(None, status, headers)
        response.headers.set("location", render_location(url))
        return response

    @classmethod
    def file(
        cls,
        path: str | os.PathLike[str],
        name: str | Sequence[str] | None = None,
        *,
        filename: str | None = None,
        inline: bool | None = None,
        content_type: str | None = None,
        cache_control: str | None = "private, no-cache",
        headers: HeadersInit = None,
        status: int = 200,
    ) -> Response:
        """A file, with ranges, conditions and HEAD. **A name that a client chose goes into `name`, never into `path`.**

        file(path): a file of your own; shown by browsers unless `filename` is given, under which they save it.
        file(folder, name): the file that a client names below a folder of yours. name: one segment, or a list of
        them. Saved under its own name unless inline=True. Links, hidden files and folders are not there.
        Opens the file at once. Raises NoSuchFile (404), the same for what is missing and what is outside, and OSError
        (500) when the system refuses. content_type: by the name's ending unless given.
        """
        from waypost.http.file_response import named_file_response

        return named_file_response(
            path, name, filename=filename, inline=inline, content_type=content_type, cache_control=cache_control,
            headers=headers, status=status,
        )  # fmt: skip

    @classmethod
    def download(
        cls,
        source: BodyInit | SpanReader,
        filename: str,
        *,
        length: int | None = None,
        inline: bool = False,
        content_type: str | None = None,
        etag: str | None = None,
        last_modified: datetime | float | None = None,
        cache_control: str | None = "private, no-cache",
        headers: HeadersInit = None,
    ) -> Response:
        """Bytes that are no file, to be saved as `filename`.

        source: bytes, a Blob, or a function (start, stop) that gives these bytes as an (async) iterable and needs
        `length`, all with ranges and conditions; or an (async) iterable, sent as it comes, under a Content-Length
        when `length` says how many bytes it has. etag, last_modified: of the bytes, if known.
        """
        from waypost.http.file_response import download_response

        return download_response(
            source, filename, length=length, inline=inline, content_type=content_type, etag=etag,
            last_modified=last_modified, cache_control=cache_control, headers=headers,
        )  # fmt: skip

    @classmethod
    def next(cls, headers: HeadersInit = None, *, request_headers: HeadersInit = None) -> Response:
        """For middleware: go on. headers: set on the answer, whoever makes it; they win over the answer's own.

        request_headers: what follows sees exactly these instead of the client's headers.
        """
        response = cls.__new__(cls)
        response._headers = None if headers is None else Headers(headers)
        response._payload = response._content_type = None
        response._status = 200
        response._control = GO_ON if request_headers is None else Control(None, request_headers)
        return response

    @classmethod
    def rewrite(cls, url: str | URL, headers: HeadersInit = None, *, request_headers: HeadersInit = None) -> Response:
        """For middleware: answer from another path; the client does not learn of it, the handler sees its own URL.

        url: a path of this application, or a URL of this site or of another one that `rewrite_origins` names.
        headers, request_headers: as for next().
        """
        if not isinstance(url, str | URL):
            raise TypeError(f"rewrite() takes a path or a URL, not {type(url).__name__}")
        response = cls.next(headers)
        response._control = Control(url, request_headers)
        return response

    @classmethod
    def error(cls) -> Response:
        """A network error (Fetch standard): its status is 0 and it can't be sent."""
        response = cls()
        response._status = 0
        return response

    # -- what it says

    @property
    def status(self) -> int:
        return self._status

    @property
    def ok(self) -> bool:
        """Whether the status is 200..299."""
        return 200 <= self._status <= 299

    @property
    def headers(self) -> Headers:
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers()
            if self._content_type is not None:
                headers.raw.append((b"content-type", self._content_type))
        return headers

    @property
    def cookies(self) -> ResponseCookies:
        """The cookies this response sets: set(name, value, ...), get, delete … (Next.js, NextResponse.cookies)."""
        # Made anew from the headers each time, so that neither way of setting a cookie undoes the other.
        return ResponseCookies(self.headers.get_set_cookie(), on_change=self._write_cookies)

    def _write_cookies(self, lines: list[str]) -> None:
        fields = self.headers.raw
        fields[:] = [item for item in fields if item[0] != b"set-cookie"]
        fields.extend((b"set-cookie", line.encode("latin-1")) for line in lines)

    # -- reading it, in tests and after fetch()

    @property
    def body(self) -> BodyStream | None:
        """The body as a stream; None when there is none."""
        payload = self._payload
        if payload is None or isinstance(payload, BodyStream):
            return payload
        return BodyStream(ReadableStream.from_([payload]), length=len(payload))

    async def bytes(self) -> Octets:
        """The whole body; a streamed one is kept, so that it can be read again."""
        payload = self._payload
        if isinstance(payload, BodyStream):
            try:
                data = b"".join([encode_chunk(chunk) async for chunk in payload.take()])
            finally:
                await payload.aclose()
            self._payload = data
            return data
        return payload or b""

    async def text(self) -> str:
        return (await self.bytes()).decode("utf-8", "replace")

    async def _read_json(self) -> Any:
        return parse_json(await self.bytes())

    # -- for those who send it

    @property
    def payload(self) -> Octets | BodyStream:
        """The body to send: bytes (b"" when there is none) or a BodyStream."""
        payload = self._payload
        return b"" if payload is None else payload

    @property
    def null_body(self) -> bool:
        """Whether the status forbids a body and a Content-Length (RFC 9110 section 6.4.1)."""
        return self._status in NULL_BODY

    def raw_headers(self) -> RawHeaders:
        """The fields to send, names in lower case; Date, Connection and framing are the server's."""
        if self._headers is None:
            return [] if self._content_type is None else [(b"content-type", self._content_type)]
        return self.headers.raw

    def copy(self) -> Self:
        """A response with headers of its own over the same body, for those who must change one they did not make."""
        # Headers that nobody has looked at yet need no copy: each of the two makes its own when it is asked.
        return self.with_headers(None if self._headers is None else self._headers.copy())

    def with_headers(self, headers: Headers | None) -> Self:
        """A response with these headers instead, over the same body; None for those that the body gives."""
        twin = self.__class__.__new__(self.__class__)
        twin._status = self._status
        if self.status_text:
            twin.status_text = self.status_text
        twin._payload = self._payload
        twin._content_type = self._content_type
        if self._control is not None:
            twin._control = self._control
        twin._headers = headers
        return twin

    def __repr__(self) -> str:
        return f"Response({self._status})"

    __str__ = __repr__


NextResponse = Response


def _make_json(data: Any, status: int = 200, headers: HeadersInit = None, *, status_text: str = "") -> Response:
    """A JSON response. Raises InvalidResponseError for a value that JSON can't hold."""
    response = Response.__new__(Response)
    response._headers = None
    response._payload = encode_json(data)
    response._content_type = _JSON_TYPE
    response._status = status
    if status != 200 or status.__class__ is not int:
        _check_status(status, response._payload)
    if status_text:
        response.status_text = _checked_reason(status_text)
    if headers is not None:
        response._set_headers(headers)
    return response


def encoded_json(payload: bytes, status: int = 200) -> Response[Any]:
    """A JSON response of what is JSON already. status: one with a body; it is not checked again."""
    response: Response[Any] = Response.__new__(Response)
    response._headers = None
    response._payload = payload
    response._content_type = _JSON_TYPE
    response._status = status
    return response


def _extract(body: BodyInit) -> tuple[bytes | BodyStream | None, bytes | None]:
    """The payload and the content type of a body (Fetch standard, "extract a body")."""
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), _TEXT_TYPE
    if isinstance(body, bytes):
        return body, None
    if isinstance(body, AsyncGeneratorType):  # told before the abstract class below, which takes long to ask
        return BodyStream(body), None
    if isinstance(body, bytearray | memoryview):
        return bytes(body), None
    if isinstance(body, BodyStream):
        return body, None
    if isinstance(body, Blob):
        content_type = body.type.encode("latin-1") if body.type else None
        return BodyStream(body.stream(), length=body.size), content_type
    if isinstance(body, URLSearchParams):
        return str(body).encode("ascii"), _FORM_TYPE
    if isinstance(body, FormData):
        form_type, data = encode_multipart(body)
        return data, form_type.encode("ascii")
    if isinstance(body, AsyncIterable):
        return BodyStream(body), None
    if isinstance(body, dict) or not isinstance(body, Iterable):
        raise InvalidResponseError(f"a body can't be of type {type(body).__name__}: use Response.json(...) for data")
    return from_iterable(body), None


def _check_status(status: object, payload: object) -> None:
    if not isinstance(status, int) or not 200 <= status <= 599:  # a bool is 0 or 1
        hint = ": write status=201, headers={…}" if isinstance(status, dict) else ""  # as in JavaScript
        raise InvalidResponseError(f"status must be an int from 200 to 599, not {status!r}{hint}")
    if payload is not None and status in NULL_BODY:
        raise InvalidResponseError(f"a response with status {status} can't have a body")


def _checked_reason(text: str) -> str:
    if not all(ord(character) in _REASON_OK for character in text):
        raise InvalidResponseError(
            "status_text must not hold line breaks, control characters or characters above U+00FF"
        )
    return text
