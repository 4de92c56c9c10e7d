"""multipart/form-data as it comes: one part after the other, none of them kept.

The grammar is the `multipart` package's strict push parser; this module adds what a server needs round it: bounds, our
errors, names read as browsers write them, and the same result however the bytes are cut into chunks.
Knows neither FormData nor files.
Source: RFC 7578; RFC 2046 section 5.1.
"""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from waypost.errors import BodyTooLarge, BodyUsedError, InvalidForm, UnsupportedMediaType
from waypost.http.form_disposition import parse_form_disposition
from waypost.http.form_limits import FormLimits
from waypost.http.mime import media_essence, parse_media_type

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from multipart import MultipartSegment  # type: ignore[import-untyped]  # the package ships no types

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]\Z")  # RFC 2046 section 5.1.1
_PLAIN_ENCODINGS = frozenset(("7bit", "8bit", "binary"))
_END: Any = object()


class Part:
    """One part of a form, read once, before the next one is asked for.

    filename: None for a text field; else as the client sent it. headers: names in lower case, values in latin-1.
    """

    __slots__ = ("_reader", "filename", "headers", "name", "size")

    def __init__(self, reader: MultipartReader, name: str, filename: str | None, headers: dict[str, str]) -> None:
        self._reader = reader
        self.name = name
        self.filename = filename
        self.headers = headers
        #: bytes that have come so far
        self.size = 0

    @property
    def content_type(self) -> str:
        """What the client claims; text/plain when it claims nothing (RFC 7578 section 4.4)."""
        return self.headers.get("content-type", "text/plain")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content as it comes.

        Raises InvalidForm when the form breaks off, BodyTooLarge for a text field past its limit, BodyUsedError once
        all was read or a later part was asked for.
        """
        while (chunk := await self._reader.content_of(self)) is not None:
            yield chunk

    __aiter__ = chunks

    async def read(self, limit: int | None = None) -> bytes:
        """The rest of the content, at most `limit` bytes (by default max_field_size), else BodyTooLarge."""
        if limit is None:
            limit = self._reader.limits.max_field_size
        content = bytearray()
        while (chunk := await self._reader.content_of(self)) is not None:
            if len(content) + len(chunk) > limit:
                raise BodyTooLarge(f"A part of the form is larger than {limit} bytes")
            content += chunk
        return bytes(content)

    async def text(self, limit: int | None = None) -> str:
        """read() as UTF-8; invalid bytes become U+FFFD."""
        return (await self.read(limit)).decode("utf-8", "replace")

    async def sniff(self) -> str:
        """The type of a file by its first bytes, as waypost.sniff() gives it; before anything of it was read."""
        from waypost.http.sniff import sniff

        return sniff(await self._reader.head_of(self))

    async def save(
        self,
        target: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        fsync: bool = False,
        max_size: int | str | None = None,
    ) -> Path:
        """Write the content to a file as it comes and return where it is: see save_stream().

        The client's name is never used: a path that ends in it while it leads out of its folder is a ValueError.
        """
        from waypost.http.saving import refuse_claimed, save_stream

        refuse_claimed(target, self.filename or "")
        return await save_stream(self.chunks(), target, overwrite=overwrite, fsync=fsync, max_size=max_size)

    def __repr__(self) -> str:
        return f"Part({self.name!r}, filename={self.filename!r})"


class MultipartReader:
    """Reads one form out of `chunks`. boundary: as multipart_boundary() gives it."""

    __slots__ = ("_ahead", "_between", "_boundary", "_chunks", "_events", "_field_bytes", "_fields", "_files", "_open",
                 "_parser", "limits")  # fmt: skip

    def __init__(self, boundary: str, chunks: AsyncIterator[bytes], limits: FormLimits) -> None:
        from multipart import PushMultipartParser  # only a request that uploads something pays for the import

        self.limits = limits
        self._boundary = b"--" + boundary.encode("ascii")
        self._chunks = aiter(chunks)
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=limits.max_part_header_size,
            max_header_count=limits.max_part_headers,
            header_charset="latin-1",  # names are decoded by parse_form_disposition, which replaces bad UTF-8
            strict=True,
        )
        self._events: Iterator[Any] | None = None
        self._open: Part | None = None
        #: pieces of the open part that were looked at, but not yet given out
        self._ahead: deque[bytes] = deque()
        #: no part is open: only here may the form end
        self._between = True
        self._fields = self._files = self._field_bytes = 0

    async def next_part(self) -> Part | None:
        """The next part, or None at the end of the form; what was left of the part before is skipped.

        Raises InvalidForm, BodyTooLarge, and what the chunks raise.
        """
        while (part := self._open) is not None:
            await self.content_of(part)
        event = await self._next_event()
        if event is _END:
            return None
        self._between = False
        self._open = part = self._part(event)
        accept = self.limits.accept
        if accept is not None and part.filename is not None:
            from waypost.http.sniff import is_accepted, sniff

            head = await self.head_of(part)
            # A file field that was left empty is sent as a file without name and bytes.
            if (head or part.filename) and not is_accepted(sniff(head), accept):
                raise UnsupportedMediaType("A file of the form is of a type that is not accepted")
        return part

    async def content_of(self, part: Part) -> bytes | None:
        """The next piece of `part`, None at its end."""
        if part is not self._open:
            raise BodyUsedError("the part was read already, or a later one was asked for")
        if self._ahead:
            return self._ahead.popleft()
        piece = None if self._between else await self._piece(part)
        if piece is None:
            self._open = None
        return piece

    async def head_of(self, part: Part) -> bytes:
        """The first bytes of what is left of `part`, SNIFF_SIZE of them if it has as many; they stay to be read."""
        if part is not self._open:
            raise BodyUsedError("the part was read already, or a later one was asked for")
        from waypost.http.sniff import SNIFF_SIZE

        size = sum(map(len, self._ahead))
        while size < SNIFF_SIZE and not self._between and (piece := await self._piece(part)) is not None:
            self._ahead.append(piece)
            size += len(piece)
        return b"".join(self._ahead)[:SNIFF_SIZE]

    async def _piece(self, part: Part) -> bytes | None:
        event = await self._next_event()
        if event is None:
            self._between = True
            return None
        part.size += len(event)
        if part.filename is None:
            self._count_field_bytes(part.size, len(event))
        elif self.limits.max_file_size is not None and part.size > self.limits.max_file_size:
            raise BodyTooLarge(f"A file of the form is larger than {self.limits.max_file_size} bytes")
        return bytes(event)

    async def _next_event(self) -> Any:
        """A segment, a piece of content, None for the end of a part, _END for the end of the form."""
        from multipart import MultipartError

        while True:
            try:
                if self._events is None:
                    chunk = await self._first_chunk()
                else:
                    for event in self._events:
                        return event
                    if self._between and self._is_complete():
                        await self._skip_epilogue()
                        return _END
                    chunk = await self._chunk()
                self._events = self._parser.parse(chunk)
            except MultipartError as error:
                raise InvalidForm("The form is malformed") from error

    async def _chunk(self) -> bytes:
        async for chunk in self._chunks:
            # To the parser an empty chunk would be the end of the body.
            if chunk:
                return chunk
        raise InvalidForm("The form ends before its closing boundary")

    async def _first_chunk(self) -> bytes:
        """As much of the body as shows whether it begins with the boundary.

        The parser looks for it in its first chunk only, so without this the answer would hang on how the network
        cut the body. A preamble is refused: no client sends one, and skipping one would be work for nothing.
        """
        head = b""
        while len(head) < len(self._boundary) + (4 if head.startswith(b"\r") else 2):
            head += await self._chunk()
        if not head.removeprefix(b"\r\n").startswith(self._boundary):
            raise InvalidForm("The form does not begin with its boundary")
        return head

    def _is_complete(self) -> bool:
        """Whether the closing boundary was read.

        The parser says so only through close(), which also ends it: so a copy is closed. Feeding it on would not do:
        in strict mode it refuses even the line break after the closing boundary when that comes in a chunk of its own.
        """
        from multipart import MultipartError

        try:
            copy.copy(self._parser).close()
        except MultipartError:
            return False
        return True

    async def _skip_epilogue(self) -> None:
        # To be ignored (RFC 2046), but read: a body over its limit, or cut off, must still be an error.
        async for _ in self._chunks:
            pass

    def _part(self, segment: MultipartSegment) -> Part:
        headers: dict[str, str] = {}
        size = 0
        for name, value in segment.headerlist:
            size += len(name) + len(value) + 4
            name = name.lower()  # noqa: PLW2901
            if name in headers:
                raise InvalidForm("A part of the form has a header twice")
            headers[name] = value.strip(" \t")
        if size > self.limits.max_part_header_size:
            raise InvalidForm("The headers of a part of the form are too large")
        encoding = headers.get("content-transfer-encoding")
        if encoding is not None and encoding.lower() not in _PLAIN_ENCODINGS:
            # Deprecated by RFC 7578 section 4.7; passed on undecoded it would be silent damage.
            raise InvalidForm("A part of the form has a Content-Transfer-Encoding")
        if media_essence(headers.get("content-type")).startswith("multipart/"):
            raise InvalidForm("A part of the form is a form itself")
        name, filename = parse_form_disposition(headers["content-disposition"])
        if filename is None:
            self._fields += 1
            if self._fields > self.limits.max_fields:
                raise BodyTooLarge(f"The form has more than {self.limits.max_fields} fields")
            self._count_field_bytes(0, len(name))
        else:
            self._files += 1
            if self._files > self.limits.max_files:
                raise BodyTooLarge(f"The form has more than {self.limits.max_files} files")
        return Part(self, name, filename, headers)

    def _count_field_bytes(self, field: int, more: int) -> None:
        self._field_bytes += more
        if field > self.limits.max_field_size:
            raise BodyTooLarge(f"A field of the form is larger than {self.limits.max_field_size} bytes")
        if self._field_bytes > self.limits.max_fields_size:
            raise BodyTooLarge(f"The fields of the form are larger than {self.limits.max_fields_size} bytes together")


def multipart_boundary(content_type: str) -> str:
    """The boundary that a multipart Content-Type names. Raises InvalidForm when there is none or it is malformed."""
    media_type = parse_media_type(content_type)
    boundary = media_type.parameters.get("boundary") if media_type is not None else None
    if boundary is None or _BOUNDARY.match(boundary) is None:
        raise InvalidForm("The Content-Type of the form names no valid boundary")
    return boundary
