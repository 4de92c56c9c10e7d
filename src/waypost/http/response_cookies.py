"""The cookies that a response sets: the list of its Set-Cookie lines, by name.

Each line is checked and rendered when it is set, so that a cookie that can't be sent fails where the program sets it.
Source: RFC 6265 section 4.1; Next.js, NextResponse.cookies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self, Unpack

from waypost.http.percent import decode_component
from waypost.http.set_cookie import Cookie, CookieOptions, make_cookie, render_set_cookie

_PREFIXES = ("__host-", "__secure-")


def cookie_to_set(name: str | Cookie | Mapping[str, object], value: str | None, options: CookieOptions) -> Cookie:
    """The Cookie that the arguments of `set` describe."""
    if isinstance(name, str):
        return make_cookie({"name": name, "value": value, **options})
    if value is not None or options:
        raise TypeError("set takes a name, a value and options, or one Cookie or mapping")
    if isinstance(name, Cookie):
        return name
    if isinstance(name, Mapping):
        return make_cookie(dict(name))
    raise TypeError(f"a cookie's name must be a str, not {type(name).__name__}")


def cookie_to_delete(name: str | Cookie | Mapping[str, object], options: CookieOptions) -> Cookie:
    """The Cookie, empty and expired, that the arguments of `delete` describe."""
    fields: dict[str, object]
    if isinstance(name, Cookie):
        fields = {"name": name.name, "path": name.path or "/", "domain": name.domain, "partitioned": name.partitioned}
    elif isinstance(name, Mapping):
        fields = dict(name)
    else:
        fields = {"name": name}
    fields.update(options)
    fields.update(value="", expires=0, max_age=None)
    # A browser ignores even the deletion of such a cookie when it comes without Secure.
    if str(fields.get("name")).lower().startswith(_PREFIXES) or fields.get("partitioned"):
        fields.setdefault("secure", True)
    return make_cookie(fields)


class ResponseCookies:
    """The cookies that a response sets.

    lines: Set-Cookie values that the response has already; they stay as they are unless their name is set or deleted.
    Each name stands once: a second `set` replaces the first, in its place (RFC 6265 section 4.1.1).
    on_change: called with all the lines after each change.
    """

    __slots__ = ("_entries", "_on_change")

    def __init__(self, lines: Iterable[str] = (), on_change: Callable[[list[str]], None] | None = None) -> None:
        self._entries: list[tuple[Cookie, str]] = [(_read_line(line), line) for line in lines]
        self._on_change = on_change

    def set(
        self, name: str | Cookie | Mapping[str, object], value: str | None = None, **options: Unpack[CookieOptions]
    ) -> Self:
        """Set a cookie: `set("k", "v", http_only=True)`, or one Cookie, or one mapping with name, value and options.

        Options: see Cookie; path is "/" unless given. The value is escaped as encodeURIComponent does.
        TypeError or ValueError, and nothing is set, for a field that can't be sent or that browsers would drop.
        """
        return self.put(cookie_to_set(name, value, options))

    def delete(self, name: str | Cookie | Mapping[str, object], **options: Unpack[CookieOptions]) -> Self:
        """Tell the client to forget the cookie. Its path (when not "/") and domain must be those it was set with."""
        return self.put(cookie_to_delete(name, options))

    def put(self, cookie: Cookie) -> Self:
        """Set exactly this cookie."""
        entry = (cookie, render_set_cookie(cookie))
        names = [known.name for known, _ in self._entries]
        place = names.index(cookie.name) if cookie.name in names else len(names)
        kept = [known for known in self._entries[place:] if known[0].name != cookie.name]
        self._entries[place:] = [entry, *kept]
        if self._on_change is not None:
            self._on_change(self.lines())
        return self

    def get(self, name: str) -> Cookie | None:
        """The cookie `name` as it will be set, or None. One that was deleted has an empty value."""
        for cookie, _ in self._entries:
            if cookie.name == name:
                return cookie
        return None

    def get_all(self, name: str | None = None) -> list[Cookie]:
        """Every cookie, or every one called `name`, in the order of the headers."""
        return [cookie for cookie, _ in self._entries if name is None or cookie.name == name]

    def has(self, name: str) -> bool:
        return self.get(name) is not None

    def lines(self) -> list[str]:
        """The Set-Cookie values, one per header field."""
        return [line for _, line in self._entries]

    def to_string(self) -> str:
        return "; ".join(self.lines())

    def __getitem__(self, name: str) -> Cookie:
        cookie = self.get(name)
        if cookie is None:
            raise KeyError(name)
        return cookie

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(cookie.name for cookie, _ in self._entries))

    def __len__(self) -> int:
        return len({cookie.name for cookie, _ in self._entries})

    def __repr__(self) -> str:
        return f"ResponseCookies({', '.join(self)})"


def _read_line(line: str) -> Cookie:
    """The Cookie of a line that a program wrote by hand: name, value, and the attributes that are plain text."""
    pair, *attributes = line.split(";")
    name, _, value = pair.partition("=")
    decoded = decode_component(value.strip(" \t"))
    found: dict[str, str] = {}
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        found[key.strip(" \t").lower()] = text.strip(" \t")
    return Cookie(
        name.strip(" \t"),
        value.strip(" \t") if decoded is None else decoded,
        path=found.get("path"),
        domain=found.get("domain"),
        secure="secure" in found,
        http_only="httponly" in found,
        partitioned="partitioned" in found,
    )
