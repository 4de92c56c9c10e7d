"""Headers: the Web's ordered, case-insensitive multimap, kept as the bytes that go over the wire.

Values are text in latin-1: byte n is character n, so what a client sent comes back unchanged. Everything that is
written is checked here (RFC 9110 section 5), so no later layer ever meets a CR, an LF or an illegal name.
Knows nothing of requests and responses.
Source: Fetch standard, Headers class.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Self, TypeAlias, cast, overload

from waypost.errors import InvalidHeaderError

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
HeadersInit: TypeAlias = "Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None"

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")  # token, RFC 9110 section 5.6.2
_BAD_VALUE = re.compile(rb"[\x00\r\n]")
_WHITESPACE = " \t\r\n"
_MOST_NAMES = 512

# The names that programs write, checked once. Bounded, should one make them of what clients send.
_names: dict[str, bytes] = {}


def encode_name(name: str) -> bytes:
    """Lower-case bytes of a header name; InvalidHeaderError unless it is a token."""
    if name.__class__ is str and (known := _names.get(name)) is not None:
        return known
    if not isinstance(name, str) or _NAME.match(name) is None:
        raise InvalidHeaderError(f"{name!r} is not a header name: use letters, digits and -")
    encoded = name.lower().encode("ascii")
    if len(_names) < _MOST_NAMES:
        _names[name] = encoded
    return encoded


def _key(name: str) -> bytes:
    """What a name that is asked for is compared with; one that is no header name equals none."""
    try:
        return encode_name(name)
    except InvalidHeaderError:
        return name.lower().encode("latin-1", "replace")


def encode_value(name: str, value: str) -> bytes:
    """Bytes of a header value, outer blanks removed.

    Raises InvalidHeaderError for a line break, NUL or a character above U+00FF.
    """
    if value.__class__ is str and value.isascii() and value.isprintable():
        return value.strip(" ").encode("ascii")  # what nearly every value is
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidHeaderError(f"the value of header {name!r} must be a str, not {type(value).__name__}")
        value = str(value)
    try:
        data = value.strip(_WHITESPACE).encode("latin-1")
    except UnicodeEncodeError:
        raise InvalidHeaderError(
            f"the value of header {name!r} holds a character above U+00FF: percent-encode it"
        ) from None
    # Without this check a value could start a header, or a whole response, of its own.
    if _BAD_VALUE.search(data) is not None:
        raise InvalidHeaderError(f"the value of header {name!r} holds a line break or NUL")
    return data


class Headers:
    """An ordered, case-insensitive multimap of header fields.

    init: a mapping, pairs, or another Headers (copied). Reading a repeated name joins the values with `, `
    (`; ` for Cookie); Set-Cookie lines are read one by one with `get_set_cookie()`.
    Iterating gives the names, lower-case and sorted, once each, as the Web's class does; `raw` keeps the order.
    """

    __slots__ = ("_fields",)

    def __init__(self, init: HeadersInit = None) -> None:
        self._fields: RawHeaders = []
        if init is None:
            return
        if isinstance(init, Headers):
            self._fields = init._fields.copy()
            return
        # The class first: asking an abstract class takes longer than the rest.
        pairs = init.items() if isinstance(init, dict) or isinstance(init, Mapping) else init  # noqa: SIM101
        for name, value in cast("Iterable[tuple[str, str]]", pairs):
            self._fields.append((encode_name(name), encode_value(name, value)))

    @classmethod
    def over(cls, fields: RawHeaders) -> Self:
        """Headers that are this list: names in lower case, everything checked. Whoever passes it on lets it go."""
        self = cls.__new__(cls)
        self._fields = fields
        return self

    @classmethod
    def from_raw(cls, raw: Iterable[tuple[bytes, bytes]]) -> Self:
        """Take fields as a parser delivered them (already checked, names in any case)."""
        self = cls.__new__(cls)
        self._fields = [(name.lower(), value) for name, value in raw]
        return self

    @property
    def raw(self) -> RawHeaders:
        """The fields in order: lower-case name and value as bytes. Not to be changed in place."""
        return self._fields

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: None) -> str | None: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of `name`, repeated fields joined; default when there is none."""
        key = _names.get(name) or _key(name)
        found: bytes | None = None
        for field, value in self._fields:
            if field == key:
                found = value if found is None else found + (b"; " if key == b"cookie" else b", ") + value
        return default if found is None else found.decode("latin-1")

    def get_all(self, name: str) -> list[str]:
        """Each field of `name` by itself, in order."""
        key = _names.get(name) or _key(name)
        return [value.decode("latin-1") for field, value in self._fields if field == key]

    def get_set_cookie(self) -> list[str]:
        """The Set-Cookie lines; they can't be joined (RFC 6265 section 3)."""
        return self.get_all("set-cookie")

    def has(self, name: str) -> bool:
        key = _names.get(name) or _key(name)
        for field, _ in self._fields:  # noqa: SIM110  # any() over a generator costs twice as much
            if field == key:
                return True
        return False

    def set(self, name: str, value: str) -> None:
        """Replace every field of `name` by one, at the place of the first."""
        key, data = encode_name(name), encode_value(name, value)
        fields = self._writable()
        for index, (field, _) in enumerate(fields):
            if field == key:
                fields[index] = (key, data)
                fields[index + 1 :] = [item for item in fields[index + 1 :] if item[0] != key]
                return
        fields.append((key, data))

    def append(self, name: str, value: str) -> None:
        """Add a field and keep those of the same name."""
        key, data = encode_name(name), encode_value(name, value)
        self._writable().append((key, data))

    def delete(self, name: str) -> None:
        key = encode_name(name)
        fields = self._writable()
        fields[:] = [item for item in fields if item[0] != key]

    def update(self, other: HeadersInit) -> None:
        """`set` for each item of `other`."""
        for name, value in Headers(other).entries():
            self.set(name, value)

    def _writable(self) -> RawHeaders:
        return self._fields

    def keys(self) -> list[str]:
        return sorted({field.decode("latin-1") for field, _ in self._fields})

    def values(self) -> list[str]:
        return [value for _, value in self.entries()]

    def entries(self) -> list[tuple[str, str]]:
        """(name, value) sorted by name, repeated fields joined, Set-Cookie lines apart (as the Web iterates)."""
        pairs: list[tuple[str, str]] = []
        for name in self.keys():
            if name == "set-cookie":
                pairs.extend((name, line) for line in self.get_set_cookie())
            else:
                pairs.append((name, self.get(name) or ""))
        return pairs

    items = entries

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        if not self.has(name):
            raise KeyError(name)
        self.delete(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __eq__(self, other: object) -> bool:
        return self.entries() == other.entries() if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content and mutable, so it can't be a key

    def copy(self) -> Headers:
        return Headers(self)

    def __repr__(self) -> str:
        return f"Headers({self.entries()!r})"


class ReadonlyHeaders(Headers):
    """What `headers()` gives: can be awaited as in Next.js, and refuses every write."""

    __slots__ = ()

    def _writable(self) -> RawHeaders:
        raise TypeError("these headers can only be read; set response headers on the Response")

    def __await__(self) -> Generator[None, None, ReadonlyHeaders]:
        return self
        yield  # makes this a generator, as __await__ needs
