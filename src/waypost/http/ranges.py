"""Range headers: which bytes a client asks for, and several of them as one multipart/byteranges body.

Time is linear in the length of the header, and what comes out is bounded: ranges that touch or overlap are joined,
and a header with more of them than anyone needs is answered as if it were not there, as RFC 9110 section 14.2 allows.
Source: RFC 9110 sections 14.1, 14.2, 14.6.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

from waypost.http.payload import BodyStream

Span: TypeAlias = tuple[int, int]  # (start, stop) of bytes, 0 <= start < stop <= size

MAX_RANGES: Final = 100
_LONGEST = 4096  # characters of a header; more than MAX_RANGES of any size need
_UNIT = re.compile(r"bytes=", re.IGNORECASE)
_SPEC = re.compile(r"[ \t]*+(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))[ \t]*+\Z", re.ASCII)


def parse_ranges(value: str | None, size: int) -> list[Span] | None:
    """The byte ranges of a Range header for a body of `size` bytes, ascending and apart from each other.

    None: the header is to be ignored (there is none, another unit, malformed, too many ranges). An empty list: none
    of the ranges can be had, which is 416.
    """
    if value is None or len(value) > _LONGEST or (unit := _UNIT.match(value)) is None:
        return None
    specs = [spec for spec in value[unit.end() :].split(",") if spec.strip(" \t")]
    if not 0 < len(specs) <= MAX_RANGES:
        return None
    spans: list[Span] = []
    for spec in specs:
        match = _SPEC.match(spec)
        if match is None:
            return None
        first, last, suffix = match.groups()
        if suffix is not None:
            start, stop = max(0, size - int(suffix)), size
        elif last and int(last) < int(first):
            return None
        else:
            start, stop = int(first), min(size, int(last) + 1) if last else size
        if start < stop:
            spans.append((start, stop))
    return _joined(spans)


def _joined(spans: list[Span]) -> list[Span]:
    spans.sort()
    joined = spans[:1]
    for start, stop in spans[1:]:
        before, end = joined[-1]
        if start <= end:
            joined[-1] = (before, max(end, stop))
        else:
            joined.append((start, stop))
    return joined


def content_range(span: Span, size: int) -> str:
    """The Content-Range of a part."""
    return f"bytes {span[0]}-{span[1] - 1}/{size}"


class ByteRanges(BodyStream):
    """Several spans of one body as multipart/byteranges; `content_type` is that of the whole.

    read(start, stop): the bytes of one span. on_close: what is to be given back at the end.
    """

    __slots__ = ("content_type",)

    def __init__(
        self,
        spans: list[Span],
        size: int,
        content_type: str,
        read: Callable[[int, int], AsyncGenerator[bytes, None]],
        on_close: Callable[[], None] | None = None,
    ) -> None:
        boundary = os.urandom(16).hex()
        self.content_type = f"multipart/byteranges; boundary={boundary}"
        heads = [
            f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range(span, size)}\r\n\r\n"
            for span in spans
        ]
        heads[1:] = ["\r\n" + head for head in heads[1:]]
        end = f"\r\n--{boundary}--\r\n"
        length = sum(map(len, heads)) + sum(stop - start for start, stop in spans) + len(end)

        async def parts() -> AsyncIterator[bytes]:
            for head, (start, stop) in zip(heads, spans, strict=True):
                yield head.encode("latin-1")
                left = stop - start
                async with aclosing(read(start, stop)) as chunks:
                    async for chunk in chunks:
                        left -= len(chunk)
                        yield chunk
                if left:
                    # Too little in one part would be made up for by the next one's head.
                    raise EOFError(f"the source gave {left} bytes too few")
            yield end.encode("ascii")

        super().__init__(parts(), length=length, on_close=on_close)
