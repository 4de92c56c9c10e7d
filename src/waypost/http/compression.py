"""Content codings: gzip always, zstd and br where their packages are installed.

A response is compressed when its type gains by it and the client takes a coding; never an event stream, a part of a
range, or what says no-transform. A stream is flushed chunk by chunk, so that nothing waits in the compressor.
Source: RFC 9110 sections 8.4 and 12.5.3; RFC 1952, RFC 8878, RFC 7932.
"""

from __future__ import annotations

import asyncio
import importlib
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from waypost.http.payload import BodyStream, FilePayload, encode_chunk
from waypost.http.request import Request
from waypost.http.response import Response

MIN_SIZE = 1024  # bytes; below, the coding costs more than it saves
_ON_LOOP = 65_536  # bytes; more is compressed in a worker thread: 64 KiB take gzip about a millisecond
_TYPES = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml", "application/wasm")
_SUFFIXES = ("+json", "+xml")


class Compressor(Protocol):
    """What zlib, zstd and brotli have in common here: compress a piece, flush what is pending, finish."""

    def compress(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def finish(self) -> bytes: ...


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
        return self._object.flush(self._flush)  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        return self._object.flush(self._object.FLUSH_FRAME)  # type: ignore[no-any-return]


def _available() -> dict[str, Callable[[], Compressor]]:
    """Coding → maker, the preferred first: zstd is the cheapest for its result, gzip the one everybody has."""
    found: dict[str, Callable[[], Compressor]] = {}
    for name, modules, kind in (("zstd", ("compression.zstd", "backports.zstd"), _Zstd), ("br", ("brotli",), _Brotli)):
        for module_name in modules:
            try:
                module = importlib.import_module(module_name)
            except ImportError:
                continue
            found.setdefault(name, lambda kind=kind, module=module: kind(module))  # type: ignore[misc]
    found["gzip"] = _Gzip
    return found


class Compression:
    """Compresses responses; made once, when the application starts."""

    __slots__ = ("_makers",)

    def __init__(self) -> None:
        self._makers = _available()

    async def apply(self, request: Request, response: Response) -> Response:
        """The response itself, or a compressed one beside it; `Vary: Accept-Encoding` on all that could be."""
        if not _compressible(response):
            return response
        answer = response.copy()
        _add_vary(answer)
        coding = self.choose(request.headers.get("accept-encoding"))
        if coding is None:
            return answer
        headers = answer.headers
        headers.set("content-encoding", coding)
        headers.delete("content-length")
        headers.delete("accept-ranges")
        etag = headers.get("etag")
        if etag is not None and not etag.startswith("W/"):
            headers.set("etag", f"W/{etag}")  # other bytes than those the strong tag is about
        payload = answer._payload
        compressor = self._makers[coding]()
        if isinstance(payload, bytes):
            answer._payload = await _whole(compressor, payload)
        elif isinstance(payload, BodyStream):
            answer._payload = _streamed(compressor, payload)
        return answer

    def choose(self, accepted: str | None) -> str | None:
        """The coding to use for an Accept-Encoding header; None for none."""
        if not accepted or len(accepted) > 500:
            return None
        weights: dict[str, float] = {}
        for item in accepted.lower().split(","):
            name, _, parameter = item.partition(";")
            weights[name.strip()] = _weight(parameter)
        best, coding = weights.get("identity", 0.0) if "identity" in weights else 0.0, None
        for name in self._makers:
            weight = weights.get(name, weights.get("*", 0.0))
            if weight > best or (weight == best and weight > 0 and coding is None):
                best, coding = weight, name
        return coding


def _weight(parameter: str) -> float:
    key, _, value = parameter.strip().partition("=")
    if not key:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0) if key.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def _compressible(response: Response) -> bool:
    headers = response.headers
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if not (kind.startswith(_TYPES) or kind.endswith(_SUFFIXES)) or kind == "text/event-stream":
        return False
    if response.null_body or response.status == 206 or headers.has("content-encoding"):
        return False
    payload = response._payload
    if isinstance(payload, bytes) and len(payload) < MIN_SIZE:
        return False
    if isinstance(payload, BodyStream) and payload.length is not None and payload.length < MIN_SIZE:
        return False
    return "no-transform" not in (headers.get("cache-control") or "").lower()


def _add_vary(response: Response) -> None:
    known = response.headers.get("vary")
    if known is None:
        response.headers.set("vary", "Accept-Encoding")
    elif known.strip() != "*" and "accept-encoding" not in known.lower():
        response.headers.set("vary", f"{known}, Accept-Encoding")


async def _whole(compressor: Compressor, data: bytes) -> bytes:
    if len(data) <= _ON_LOOP:
        return compressor.compress(data) + compressor.finish()
    work = asyncio.get_running_loop().run_in_executor
    return await work(None, compressor.compress, data) + await work(None, compressor.finish)


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
