"""Content codings: gzip always, zstd and br where their packages are installed.

A response is compressed when its type gains by it and the client takes a coding; never an event stream, a part of a
range, or what says no-transform. A stream is flushed chunk by chunk, so that nothing waits in the compressor.
Source: RFC 9110 sections 8.4 and 12.5.3; RFC 1952, RFC 8878, RFC 7932.
"""

from __future__ import annotations

import asyncio
import importlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

from waypost.http.headers import Headers
from waypost.http.payload import BodyStream, FilePayload, encode_chunk
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.stored_response import StoredResponse
from waypost.http.vary import add_vary

MIN_SIZE = 1024  # bytes; below, the coding costs more than it saves
_ON_LOOP = 65_536  # bytes; more is compressed in a worker thread: 64 KiB take gzip about a millisecond
_TYPES = (
    b"text/", b"application/json", b"application/javascript", b"application/xml", b"image/svg+xml",
    b"application/wasm",
)  # fmt: skip
_SUFFIXES = (b"+json", b"+xml")
# They say that the bytes are coded already, or speak of the bytes as they are.
_BYTES_AS_THEY_ARE = frozenset((b"content-encoding", b"content-range", b"content-digest"))
_VARY = (b"vary", b"Accept-Encoding")
_LONGEST = 500  # characters of an Accept-Encoding that are looked at, and remembered: clients choose them


class Compressor(Protocol):
    """What zlib, zstd and brotli have in common here: compress a piece, flush what is pending, finish."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...
    def finish(self) -> bytes: ...


class Coding(NamedTuple):
    """A content coding. whole: compresses a body at once, which costs half of a stream's set-up; stream: makes one."""

    whole: Callable[[bytes], bytes]
    stream: Callable[[], Compressor]


class _Gzip:
    def __init__(self) -> None:
        self._object = zlib.compressobj(6, zlib.DEFLATED, 31)
        self.compress = self._object.compress

    def flush(self) -> bytes:
        return self._object.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._object.flush(zlib.Z_FINISH)


class _Brotli:
    def __init__(self, module: Any) -> None:
        self._object = module.Compressor(quality=4)
        self.compress = self._object.process
        self.flush = self._object.flush
        self.finish = self._object.finish


class _Zstd:
    def __init__(self, module: Any) -> None:
        self._object = module.ZstdCompressor(level=3)
        self._flush = self._object.FLUSH_BLOCK
        self.compress = self._object.compress

    def flush(self) -> bytes:
        return self._object.flush(self._flush)  # type: ignore[no-any-return]  # a package without types

    def finish(self) -> bytes:
        return self._object.flush(self._object.FLUSH_FRAME)  # type: ignore[no-any-return]  # as above


def _gzip() -> Coding:
    return Coding(partial(zlib.compress, level=6, wbits=31), _Gzip)


def _brotli(module: Any) -> Coding:
    return Coding(partial(module.compress, quality=4), partial(_Brotli, module))


def _zstd(module: Any) -> Coding:
    return Coding(partial(module.compress, level=3), partial(_Zstd, module))


def _available() -> dict[str, Coding]:
    """The codings by name, the preferred first: zstd is the cheapest for its result, gzip the one everybody has."""
    found: dict[str, Coding] = {}
    for name, modules, make in (
        ("zstd", ("compression.zstd", "backports.zstd"), _zstd),
        ("br", ("brotli",), _brotli),
    ):
        for module in modules:
            if name in found:
                break
            try:
                found[name] = make(importlib.import_module(module))
            except ImportError:
                continue
    found["gzip"] = _gzip()
    return found


class Compression:
    """Compresses responses; made once, when the application starts. codings: by name, the preferred first."""

    __slots__ = ("_lean", "_names", "codings")

    def __init__(self) -> None:
        self.codings = _available()
        self._names = tuple(self.codings)
        # A stream may stay for hours, and zstd keeps ten times the memory of gzip as long: 800 KiB.
        self._lean = self._names[::-1]

    def apply(self, request: Request, response: Response) -> Response | Awaitable[Response]:
        """The response itself, or a compressed one beside it; `Vary: Accept-Encoding` on all that could be.

        To be awaited only where a large body is compressed in a worker thread.
        """
        if response._status == 304:
            return _not_modified(request, response)
        if not is_compressible(response):
            return response
        answer = _varying(response)
        payload = answer._payload
        lives = isinstance(payload, BodyStream) and payload.length is None
        accepted = request.headers.get("accept-encoding")
        if not accepted or len(accepted) > _LONGEST:
            return answer
        coding = choose(accepted, self._lean if lives else self._names)
        if coding is None:
            return answer
        headers = answer.headers
        headers.set("content-encoding", coding)
        headers.delete("content-length")
        headers.delete("accept-ranges")
        _weaken(headers)
        if isinstance(payload, BodyStream):
            answer._payload = _streamed(self.codings[coding].stream(), payload)
        elif payload is not None:
            kept = response.codings if isinstance(response, StoredResponse) else {}
            if coding not in kept and len(payload) > _ON_LOOP:
                return _compressed(answer, self.codings[coding].whole, payload, coding, kept)
            answer._payload = kept.get(coding) or kept.setdefault(coding, self.codings[coding].whole(payload))
        return answer


@lru_cache(maxsize=128)
def choose(accepted: str, codings: tuple[str, ...]) -> str | None:
    """The coding to use for an Accept-Encoding header, of equal ones the first; None for none."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, _, parameter = item.partition(";")
        weights[name.strip()] = _weight(parameter)
    best, coding = weights.get("identity", 0.0), None
    for name in codings:
        weight = weights.get(name, weights.get("*", 0.0))
        if weight > best or (weight == best and weight > 0 and coding is None):
            best, coding = weight, name
    return coding


def _varying(response: Response) -> Response:
    """A copy that says that it differs by Accept-Encoding."""
    if response._headers is None:
        return response.with_headers(Headers.over([*response.raw_headers(), _VARY]))
    answer = response.copy()
    add_vary(answer.headers.raw, b"Accept-Encoding")
    return answer


async def _compressed(
    answer: Response, compress: Callable[[bytes], bytes], body: bytes, coding: str, kept: dict[str, bytes]
) -> Response:
    answer._payload = kept[coding] = await asyncio.get_running_loop().run_in_executor(None, compress, body)
    return answer


def _not_modified(request: Request, response: Response) -> Response:
    """A 304 as the 200 would be that the client has: one with a weak tag is a compressed one."""
    etag = response.headers.get("etag")
    if etag is None or etag.startswith("W/") or f"W/{etag}" not in (request.headers.get("if-none-match") or ""):
        return response
    answer = response.copy()
    add_vary(answer.headers.raw, b"Accept-Encoding")
    _weaken(answer.headers)
    return answer


def _weaken(headers: Headers) -> None:
    """The compressed bytes are others than those that a strong tag is about."""
    etag = headers.get("etag")
    if etag is not None and not etag.startswith("W/"):
        headers.set("etag", f"W/{etag}")


def _weight(parameter: str) -> float:
    key, _, value = parameter.strip().partition("=")
    if not key:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0) if key.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def is_compressible(response: Response) -> bool:
    """Whether an answer is sent compressed to clients that take it, so that it differs by Accept-Encoding."""
    payload = response._payload
    size = payload.length if isinstance(payload, BodyStream) else len(payload or b"")
    if (size is not None and size < MIN_SIZE) or response._status == 206 or response.null_body:
        return False
    if response._headers is None:
        return _gains(response._content_type)
    kind: bytes | None = None
    for name, value in response._headers.raw:
        if name == b"content-type":
            kind = kind or value
        elif name in _BYTES_AS_THEY_ARE or (name == b"cache-control" and b"no-transform" in value.lower()):
            return False
    return _gains(kind)


@lru_cache(maxsize=512)
def _gains(content_type: bytes | None) -> bool:
    kind = (content_type or b"").partition(b";")[0].strip().lower()
    return kind.endswith(_SUFFIXES) or (kind.startswith(_TYPES) and kind != b"text/event-stream")


def _streamed(compressor: Compressor, payload: BodyStream) -> BodyStream:
    # A file gains nothing by flushing: its pieces all come at once.
    flushes = not isinstance(payload, FilePayload)

    async def chunks() -> AsyncIterator[bytes]:
        work = asyncio.get_running_loop().run_in_executor
        try:
            async for chunk in payload.take():
                data = encode_chunk(chunk)
                if len(data) > _ON_LOOP:
                    data = await work(None, compressor.compress, data)
                else:
                    data = compressor.compress(data)
                if flushes:
                    data += compressor.flush()
                if data:
                    yield data
            yield compressor.finish()
        finally:
            await payload.aclose()

    return _Compressed(chunks(), payload)


class _Compressed(BodyStream):
    """A compressed stream; closing it closes the source even when nothing was read of it."""

    __slots__ = ("_inner",)

    def __init__(self, source: AsyncIterator[bytes], inner: BodyStream) -> None:
        super().__init__(source)
        self._inner = inner

    async def aclose(self, reason: BaseException | None = None) -> None:
        try:
            await self._inner.aclose(reason)  # first: the generator would close it without the reason
        finally:
            await super().aclose(reason)
