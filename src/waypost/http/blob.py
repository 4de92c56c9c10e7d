"""Blob and File: bytes with a type, and with a name, in memory or in a spool on disk.

Bytes on disk are read in a worker thread. Knows neither forms nor requests.
Source: File API standard.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from waypost.http.percent import scalar_text
from waypost.http.spool import DiskSpan
from waypost.http.streams import ReadableStream

if TYPE_CHECKING:
    from pathlib import Path

    from waypost.http.saving import Draft

Octets: TypeAlias = bytes  # inside the classes `bytes` is the method
Segment: TypeAlias = "Octets | DiskSpan"
BlobPart: TypeAlias = "str | Octets | bytearray | memoryview | Blob"

_CHUNK = 262_144  # one thread hop for each piece read from disk: large enough to hide it, small enough for many readers


class Blob:
    """Immutable bytes with a content type.

    parts: str (as UTF-8), bytes or other blobs, put together. type: lower-cased; "" when it holds anything but
    printable ASCII.
    """

    __slots__ = ("_segments", "size", "type")

    def __init__(self, parts: Iterable[BlobPart] = (), *, type: str = "") -> None:
        if isinstance(parts, str | bytes | bytearray | memoryview):
            raise TypeError("a Blob takes a list of parts: Blob([data])")
        self._fill(tuple(_segments(parts)), type)

    def _fill(self, segments: tuple[Segment, ...], type: str) -> None:
        self._segments = segments
        #: in bytes
        self.size = sum(len(segment) for segment in segments)
        self.type = type.lower() if type.isascii() and type.isprintable() else ""

    async def bytes(self) -> Octets:
        """All bytes. Raises ValueError when the file behind it was closed."""
        if self.on_disk:
            return await asyncio.to_thread(self.read)
        return self.read()

    async def array_buffer(self) -> Octets:
        """The Web's name for bytes()."""
        return await self.bytes()

    async def text(self) -> str:
        """The bytes as UTF-8 without a byte order mark; invalid bytes become U+FFFD."""
        return (await self.bytes()).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")

    def stream(self) -> ReadableStream:
        """The bytes in chunks of at most 256 KiB."""
        return ReadableStream.from_(self._chunks())

    def slice(self, start: int = 0, end: int | None = None, content_type: str = "") -> Blob:
        """The bytes start..end as a Blob that shares the memory or file; negative numbers count from the end."""
        part = Blob.__new__(Blob)
        begin, stop, _ = slice(start, end).indices(self.size)
        part._fill(tuple(_cut(self._segments, begin, max(begin, stop))), content_type)
        return part

    def close(self) -> None:
        """Give the disk space back, also of slices and blobs that share it; for bytes in memory nothing happens."""
        for segment in self._segments:
            if isinstance(segment, DiskSpan):
                segment.spool.close()

    @property
    def on_disk(self) -> bool:
        """Whether any of the bytes are in a file on disk."""
        return any(isinstance(segment, DiskSpan) for segment in self._segments)

    def read(self) -> Octets:
        """bytes() for a worker thread: blocks while it reads from disk."""
        pieces = [segment if isinstance(segment, Octets) else segment.read() for segment in self._segments]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pieces(self) -> Iterator[Octets | DiskSpan]:
        for segment in self._segments:
            for start in range(0, len(segment), _CHUNK):
                end = min(start + _CHUNK, len(segment))
                yield segment[start:end] if isinstance(segment, Octets) else segment.cut(start, end)

    async def _chunks(self) -> AsyncIterator[Octets]:
        for piece in self._pieces():
            yield piece if isinstance(piece, Octets) else await asyncio.to_thread(piece.read)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.size} bytes, {self.type!r})"


class File(Blob):
    """A Blob with a name.

    name: of an upload, as the client sent it: a claim, never a path to write to. last_modified: ms since 1970.
    """

    __slots__ = ("_sniffed", "last_modified", "name")

    def __init__(
        self, parts: Iterable[BlobPart], name: str, *, type: str = "", last_modified: int | None = None
    ) -> None:
        super().__init__(parts, type=type)
        self.name = name
        self._sniffed: str | None = None
        self.last_modified = time.time_ns() // 1_000_000 if last_modified is None else last_modified

    @classmethod
    def of(cls, segments: Iterable[Segment], name: str, type: str, sniffed: str | None = None) -> Self:
        """A file over bytes that are in memory or on disk already; for those who read forms.

        sniffed: what sniff() says, for bytes on disk, so that nobody has to read them for it.
        """
        file = cls.__new__(cls)
        file._fill(tuple(segments), type)
        file.name = name
        file._sniffed = sniffed
        file.last_modified = time.time_ns() // 1_000_000
        return file

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """So that models of forms may have fields of this type; pydantic calls it, nothing else imports pydantic."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, str]:
        return {"type": "string", "format": "binary"}

    @property
    def sniffed_type(self) -> str:
        """The media type by the bytes themselves, as "image/png"; "application/octet-stream" when it is not known.

        What the client can't choose, unlike `type`: see waypost.sniff for what is recognised.
        """
        if self._sniffed is None:
            from waypost.http.sniff import SNIFF_SIZE, sniff  # few programs that read a form need it

            self._sniffed = sniff(self.slice(0, SNIFF_SIZE).read())
        return self._sniffed

    async def save(self, target: str | os.PathLike[str], *, overwrite: bool = False, fsync: bool = False) -> Path:
        """Write the bytes to a file and return where they are; they are there at once and whole, or not at all.

        target: a file, or an existing folder, in which the file gets a random name. The client's name is never used:
        a path that ends in it while it climbs (`../x`) or leads elsewhere (`/etc/x`, `a/b`) is a ValueError.
        overwrite: replace a file of that name, else it is a FileExistsError. fsync: return only when the bytes would
        survive a power cut. Raises OSError as open() does.
        """
        from waypost.http.saving import Draft, refuse_claimed  # few programs save a file

        refuse_claimed(target, self.name)
        draft = Draft(target, overwrite=overwrite)
        try:
            return await asyncio.to_thread(self._write, draft, fsync)
        except BaseException:
            await draft.give_up()
            raise

    def _write(self, draft: Draft, fsync: bool) -> Path:
        for piece in self._pieces():
            draft.write(piece if isinstance(piece, bytes) else piece.read())
        return draft.finish(fsync=fsync)

    def __repr__(self) -> str:
        return f"File({self.name!r}, {self.size} bytes, {self.type!r})"


def _segments(parts: Iterable[BlobPart]) -> Iterator[Segment]:
    for part in parts:
        if isinstance(part, Blob):
            yield from part._segments
        elif isinstance(part, str):
            yield scalar_text(part).encode()
        elif isinstance(part, bytes | bytearray | memoryview):
            yield bytes(part)
        else:
            raise TypeError(f"a part of a Blob must be str, bytes or Blob, not {type(part).__name__}")


def _cut(segments: tuple[Segment, ...], start: int, end: int) -> Iterator[Segment]:
    for segment in segments:
        length = len(segment)
        first, last = max(start, 0), min(end, length)
        if first < last:
            yield segment[first:last] if isinstance(segment, bytes) else segment.cut(first, last)
        start -= length
        end -= length
