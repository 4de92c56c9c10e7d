"""A file, or what is served like one, as a Response: validators, conditions, ranges, and the name to save it under.

Source: RFC 9110 sections 8.8, 13 and 14.
"""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from waypost.errors import InvalidResponseError
from waypost.http.ambient import current_request
from waypost.http.blob import Blob
from waypost.http.content_disposition import content_disposition
from waypost.http.file_opening import OpenFile, open_own, open_within
from waypost.http.file_reading import read_file
from waypost.http.headers import Headers, HeadersInit
from waypost.http.payload import BodyStream, FilePayload
from waypost.http.preconditions import Validators
from waypost.http.ranges import ByteRanges, content_range, parse_ranges
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.undecided import Undecided, not_modified

#: gives the bytes start..stop of something, as an object store does
SpanReader: TypeAlias = "Callable[[int, int], Any]"

_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")
_FRAMING = frozenset((b"content-length", b"content-range", b"accept-ranges", b"transfer-encoding"))


class _Source(Protocol):
    """Bytes of a known number, of which a part can be had."""

    size: int

    def span(self, start: int, stop: int) -> BodyStream: ...
    def read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]: ...
    def close(self) -> None: ...


class _FileSource:
    def __init__(self, file: OpenFile, path: str | None) -> None:
        self.size = file.size
        self._payload = FilePayload(file.fd, 0, file.size, path)

    def span(self, start: int, stop: int) -> BodyStream:
        self._payload.offset, self._payload.length = start, stop - start
        if stop - start < self.size:
            self._payload.path = None
        return self._payload

    def read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        return read_file(self._payload, start, stop)

    def close(self) -> None:
        self._payload.close()


class _SpanSource:
    """read: called with start and stop, gives an (async) iterable of just these bytes."""

    def __init__(self, size: int, read: SpanReader) -> None:
        self.size = size
        self._read = read

    def span(self, start: int, stop: int) -> BodyStream:
        return BodyStream(self.read(start, stop), length=stop - start)

    async def read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        source = self._read(start, stop)
        if hasattr(source, "__await__"):
            source = await source
        body = Response(source).body
        if body is None:
            return
        try:
            async for chunk in body:
                yield chunk
        finally:
            await body.aclose()

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Presentation:
    """What the answer says of the bytes. disposition: the Content-Disposition, None for none."""

    content_type: str
    disposition: str | None = None
    cache_control: str | None = None
    headers: HeadersInit = None
    status: int = 200


async def file_response(file: Path, request: Request, *, cache_control: str) -> Response:
    """A file that stays where it is, opened in a worker thread. Raises NoSuchFile when it is gone."""
    # Opening may wait for a slow disk; the loop must not.
    found = await asyncio.get_running_loop().run_in_executor(None, open_own, file)
    presentation = Presentation(content_type_of(file.name), cache_control=cache_control)
    return _present_file(found, request, presentation, os.fspath(file))


def named_file_response(
    path: str | os.PathLike[str],
    name: str | Sequence[str] | None,
    *,
    filename: str | None,
    inline: bool | None,
    content_type: str | None,
    cache_control: str | None,
    headers: HeadersInit,
    status: int,
) -> Response:
    """Response.file()."""
    if name is None:
        file, last = open_own(path), os.path.basename(path)  # noqa: PTH119  # text or path
        saved = filename
    else:
        file = open_within(path, name)
        last = name if isinstance(name, str) else name[-1]
        saved = filename or last
    if inline and saved is None:
        saved = last
    disposition = None if saved is None else content_disposition(saved, inline=bool(inline))
    presentation = Presentation(content_type or content_type_of(last), disposition, cache_control, headers, status)
    return _present_file(file, current_request(), presentation)


def download_response(
    source: Any,
    filename: str,
    *,
    length: int | None,
    inline: bool,
    content_type: str | None,
    etag: str | None,
    last_modified: datetime | float | None,
    cache_control: str | None,
    headers: HeadersInit,
) -> Response:
    """Response.download()."""
    presentation = Presentation(
        content_type or content_type_of(filename), content_disposition(filename, inline=inline), cache_control, headers
    )
    modified = last_modified.timestamp() if isinstance(last_modified, datetime) else last_modified
    validators = Validators(_quoted(etag), None if modified is None else int(modified))
    spans = _spans_of(source, length)
    if spans is not None:
        return _present(spans, validators, current_request(), presentation)
    # A stream that is open already: there is only one of it, from its beginning to its end.
    response = Response(source, 200, _fields(presentation, validators))
    if length is not None and isinstance(response.body, BodyStream):
        response.body.length = length
    return response


def _spans_of(source: Any, length: int | None) -> _Source | None:
    if isinstance(source, bytes | bytearray | memoryview):
        source = Blob([source])
    if isinstance(source, Blob):
        blob = source
        return _SpanSource(blob.size, lambda start, stop: blob.slice(start, stop).stream())
    if callable(source) and not hasattr(source, "__aiter__"):
        if length is None:
            raise InvalidResponseError("a function of (start, stop) needs length=: how many bytes there are")
        return _SpanSource(length, source)
    return None


def _quoted(etag: str | None) -> str | None:
    """An entity tag in quotes, as object stores give it or without."""
    return etag if etag is None or etag.endswith('"') else f'"{etag}"'


def _present_file(
    file: OpenFile, request: Request | None, presentation: Presentation, path: str | None = None
) -> Response:
    # Size and ns: two states of a file are told apart although the clock that dates them ticks coarsely.
    validators = Validators(f'"{file.modified:x}-{file.size:x}"', file.modified // 1_000_000_000)
    source = _FileSource(file, path)
    try:
        return _present(source, validators, request, presentation)
    except BaseException:
        source.close()
        raise


def _present(source: _Source, validators: Validators, request: Request | None, presentation: Presentation) -> Response:
    """The answer to `request`: 200, 206, 304, 412 or 416; None asks for the whole without conditions.

    Inside of wrapping middleware it is the whole, and what it becomes is decided behind it.
    """
    fields = _fields(presentation, validators)
    conditional = request is not None and request.method in ("GET", "HEAD") and presentation.status == 200
    if conditional:
        fields.set("accept-ranges", "bytes")
    fields.set("content-length", str(source.size))
    whole = Response(source.span(0, source.size), presentation.status, fields)
    if request is None or not conditional:
        return whole
    if request.undecided is None:
        return _decided(source, validators, request, whole)
    own = whole.raw_headers().copy()

    def decide(request: Request, sent: Response) -> Response:
        if sent.status != 200:
            return sent
        answer = _decided(source, validators, request, sent)
        if answer.status in (412, 416):  # what middleware has put on the whole is for every answer
            added = [field for field in sent.raw_headers() if field not in own]
            answer = answer.with_headers(Headers.over(added + answer.raw_headers()))
        return answer

    request.undecided = Undecided(whole, decide)
    return whole


def _decided(source: _Source, validators: Validators, request: Request, whole: Response) -> Response:
    """What the conditions and the range of a GET or HEAD make of the whole."""
    asked = request.headers
    status = validators.precondition(asked)
    if status is not None:
        source.close()
        return not_modified(whole) if status == 304 else Response.json({"error": "Precondition failed"}, 412)
    spans = None
    if request.method == "GET" and validators.range_applies(asked):
        spans = parse_ranges(asked.get("range"), source.size)
    if spans is None:
        return whole
    if not spans:
        source.close()
        unsatisfied = {"content-range": f"bytes */{source.size}"}
        return Response.json({"error": "Range not satisfiable"}, 416, unsatisfied)
    fields = whole.headers.copy()
    if len(spans) > 1:
        ranges = ByteRanges(spans, source.size, fields.get("content-type") or "", source.read, source.close)
        fields.set("content-type", ranges.content_type)
        fields.set("content-length", str(ranges.length))
        return Response(ranges, 206, fields)
    start, stop = spans[0]
    fields.set("content-range", content_range((start, stop), source.size))
    fields.set("content-length", str(stop - start))
    return Response(source.span(start, stop), 206, fields)


def _fields(presentation: Presentation, validators: Validators) -> Headers:
    fields = Headers({"content-type": presentation.content_type, "x-content-type-options": "nosniff"})
    if presentation.disposition is not None:
        fields.set("content-disposition", presentation.disposition)
    if presentation.cache_control is not None:
        fields.set("cache-control", presentation.cache_control)
    for name, value in validators.fields().items():
        fields.set(name, value)
    # How long the body is, and which part of the file, is not the caller's to say.
    more = [item for item in Headers(presentation.headers).raw if item[0] not in _FRAMING]
    for own, _ in more:
        fields.delete(own.decode("latin-1"))
    fields.raw.extend(more)
    return fields


def content_type_of(name: str) -> str:
    """The media type by the name's ending; text types say that they are UTF-8."""
    guess, encoding = mimetypes.guess_type(name)
    if guess is None or encoding is not None:
        # `report.csv.gz` is a gzip file to save, not a CSV to show.
        guess = "application/gzip" if encoding == "gzip" else "application/octet-stream"
    return f"{guess}; charset=utf-8" if guess.startswith(_TEXT) else guess
