"""One cached thing: a response or a value, with the times and tags that say how long it is good.

The stored form is ours, versioned and checked: a header, lengths, the parts, a CRC-32 over all of it. A file or a
reply that was cut, mixed up or written by another version is refused, never guessed at. No pickle: bytes from a store
can't make objects of other types. Knows no store and no tag's state.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, Literal, TypeAlias

import msgspec

State: TypeAlias = Literal["fresh", "stale", "gone"]

MAGIC: Final = b"WPC\x01"  # the last byte is the version of this format
NEVER: Final = float("inf")
# CRC-32 of what follows | created (Unix seconds), revalidate, expire (seconds) | status | counts | length of the body
_HEAD: Final = struct.Struct("<4sI ddd H HI I")
_PAIR: Final = struct.Struct("<HI")
_LENGTH: Final = struct.Struct("<H")
_CHECKED_FROM: Final = 8  # the checksum covers what follows it


class CorruptEntryError(ValueError):
    """The bytes are no entry: cut, altered, or of another version."""


class Entry(msgspec.Struct, eq=False):
    """A response (status 200..599), or a value of cached data (status 0, `body` in whatever form its maker chose).

    headers: names in lower case, as they go on the wire. created: Unix seconds when the fill began.
    revalidate: seconds after `created` from which it is stale; inf is never. expire: seconds after `created` from
    which it is not served any more; inf is never. tags: what revalidates it, tags of paths included.
    prepared: room for whoever serves the entry, e.g. the rendered answer. It stays with the object as long as it is
    in memory, is not stored, and does not count in comparisons.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    created: float
    revalidate: float = NEVER
    expire: float = NEVER
    tags: tuple[str, ...] = ()
    prepared: object = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and _stored(self) == _stored(other)

    __hash__ = None  # type: ignore[assignment]  # equal by content and mutable, so it can't be a key

    def state_at(self, now: float) -> State:
        """Its state by time alone; now: Unix seconds. Tags can only make it older."""
        age = now - self.created
        if age >= self.expire:
            return "gone"
        return "stale" if age >= self.revalidate else "fresh"

    @property
    def size(self) -> int:
        """Bytes that it holds, about: the parts, without what Python adds to each object."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.body) + headers + sum(map(len, self.tags))


def _stored(entry: Entry) -> tuple[object, ...]:
    return msgspec.structs.astuple(entry)[:-1]


def encode_entry(entry: Entry) -> bytes:
    """The stored form. Raises ValueError for an entry that it can't hold: a header value over 4 GiB, 65,536 tags."""
    parts: list[bytes] = []
    try:
        for name, value in entry.headers:
            parts += (_PAIR.pack(len(name), len(value)), name, value)
        for tag in entry.tags:
            # A lone surrogate is a legal str and has to come back as it was.
            text = tag.encode("utf-8", "surrogatepass")
            parts += (_LENGTH.pack(len(text)), text)
        head = _HEAD.pack(
            MAGIC, 0, entry.created, entry.revalidate, entry.expire, entry.status,
            len(entry.headers), len(entry.tags), len(entry.body),
        )  # fmt: skip
    except struct.error as error:
        raise ValueError(f"an entry of this shape can't be stored: {error}") from None
    rest = b"".join((head[_CHECKED_FROM:], *parts, entry.body))
    return b"".join((MAGIC, struct.pack("<I", zlib.crc32(rest)), rest))


def decode_entry(data: bytes) -> Entry:
    """Raises CorruptEntryError for anything that `encode_entry` did not write."""
    try:
        magic, check, created, revalidate, expire, status, headers, tags, length = _HEAD.unpack_from(data)
    except struct.error:
        raise CorruptEntryError("too short") from None
    if magic != MAGIC:
        raise CorruptEntryError("another format")
    if check != zlib.crc32(memoryview(data)[_CHECKED_FROM:]):
        raise CorruptEntryError("the checksum does not match")
    try:
        at = _HEAD.size
        pairs: list[tuple[bytes, bytes]] = []
        for _ in range(headers):
            name, value = _PAIR.unpack_from(data, at)
            at += _PAIR.size
            pairs.append((data[at : at + name], data[at + name : at + name + value]))
            at += name + value
        words: list[str] = []
        for _ in range(tags):
            (size,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            words.append(data[at : at + size].decode("utf-8", "surrogatepass"))
            at += size
    except (struct.error, UnicodeDecodeError):
        raise CorruptEntryError("the parts do not fit") from None
    if len(data) - at != length:
        raise CorruptEntryError("the length does not match")
    return Entry(status, tuple(pairs), data[at:], created, revalidate, expire, tuple(words))
