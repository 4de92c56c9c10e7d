"""The cookies that a client sent: a Cookie header → names and values.

The standard library's parser drops every cookie after a malformed one; this one drops the malformed one alone.
Knows nothing of Set-Cookie; a change is told to a callback, so that no header list is needed here.
Source: RFC 6265 sections 4.2 and 5.4; Next.js, NextRequest.cookies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Self, cast

from waypost.http.percent import decode_component
from waypost.http.set_cookie import Cookie, check_name, encode_value, make_cookie


def parse_cookie_header(header: str) -> list[tuple[str, str]]:
    """The (name, value) pairs of a Cookie header in order, repeated names included. Never raises; linear.

    header: latin-1 text as Headers gives it; bytes that are UTF-8 are read as UTF-8. Values are percent-decoded.
    A pair without `=` or without a name, and one with a bad escape, is left out. Quotes belong to the value.
    """
    return [(name, value) for name, value, _ in _parse(header)]


def _parse(header: str) -> list[tuple[str, str, str]]:
    """(name, value, the pair as sent) of each cookie."""
    pairs = []
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        # Blanks and tabs only: a wider strip() would let `\xa0__Host-x` pass for `__Host-x`.
        name = name.strip(" \t")
        # A pair like `=__Host-session=evil` has no name; read as `__Host-session` it would shadow the true one.
        if not equals or not name:
            continue
        value = value.strip(" \t")
        sent = f"{name}={value}"
        if not sent.isascii():
            name, value = _utf8(name), _utf8(value)
        if "%" in value:
            decoded = decode_component(value)
            if decoded is None:
                continue
            value = decoded
        pairs.append((name, value, sent))
    return pairs


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class RequestCookies:
    """The cookies of a request.

    header: the Cookie header's text. Of a repeated name `get` gives the first, which is the most specific one
    (RFC 6265 section 5.4); `get_all` gives each. set, delete and clear change this object, and `to_string`, alone.
    on_change: called with the new header text after each change.
    As a mapping: name → Cookie, each name once.
    """

    __slots__ = ("_entries", "_on_change", "header")

    header: str  # what it stands for: as given, or what the last change made of it

    def __init__(self, header: str = "", *, on_change: Callable[[str], None] | None = None) -> None:
        self.header = header
        self._entries = _parse(header) if header else []
        self._on_change = on_change

    def get(self, name: str) -> Cookie | None:
        """The first cookie `name`, or None."""
        for entry in self._entries:
            if entry[0] == name:
                return Cookie(name, entry[1])
        return None

    def get_all(self, name: str | None = None) -> list[Cookie]:
        """Every cookie, or every one called `name`, in the order sent."""
        return [Cookie(entry[0], entry[1]) for entry in self._entries if name is None or entry[0] == name]

    def has(self, name: str) -> bool:
        return any(entry[0] == name for entry in self._entries)

    def set(self, name: str | Cookie | Mapping[str, object], value: str | None = None) -> Self:
        """Give the request one cookie `name`, at the place of the first; TypeError or ValueError if it can't."""
        name, value = _name_and_value(name, value)
        entry = (check_name(name), value, f"{name}={encode_value(name, value)}")
        names = [known for known, _, _ in self._entries]
        place = names.index(name) if name in names else len(names)
        kept = [known for known in self._entries[place:] if known[0] != name]
        self._entries[place:] = [entry, *kept]
        self._changed()
        return self

    def delete(self, *names: str) -> bool:
        """Remove the cookies of these names; False when there was none."""
        before = len(self._entries)
        self._entries = [entry for entry in self._entries if entry[0] not in names]
        self._changed()
        return len(self._entries) < before

    def clear(self) -> Self:
        """Remove all cookies."""
        self._entries = []
        self._changed()
        return self

    def _changed(self) -> None:
        self.header = self.to_string()
        if self._on_change is not None:
            self._on_change(self.header)

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self)

    def copy(self) -> RequestCookies:
        """The same cookies, on their own."""
        twin = RequestCookies()
        twin.header = self.header
        twin._entries = self._entries.copy()
        return twin

    def to_string(self) -> str:
        """The text of a Cookie header; what was not changed stays as sent."""
        return "; ".join([sent for _, _, sent in self._entries])

    __str__ = to_string

    def keys(self) -> list[str]:
        return list(dict.fromkeys(name for name, _, _ in self._entries))

    def values(self) -> list[Cookie]:
        return [self[name] for name in self.keys()]

    def items(self) -> list[tuple[str, Cookie]]:
        return [(name, self[name]) for name in self.keys()]

    def __getitem__(self, name: str) -> Cookie:
        cookie = self.get(name)
        if cookie is None:
            raise KeyError(name)
        return cookie

    def __contains__(self, name: object) -> bool:
        return any(entry[0] == name for entry in self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len({name for name, _, _ in self._entries})

    def __repr__(self) -> str:
        # Names only: values are sessions and tokens, and a repr ends in logs.
        return f"{type(self).__name__}({', '.join(self.keys())})"


def _name_and_value(name: str | Cookie | Mapping[str, object], value: str | None) -> tuple[str, str]:
    if isinstance(name, Cookie):
        return name.name, name.value
    if isinstance(name, Mapping):
        cookie = make_cookie(dict(name))
        return cookie.name, cookie.value
    return name, cast("str", value)  # encode_value refuses None
