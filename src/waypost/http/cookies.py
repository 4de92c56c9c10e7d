"""Cookies: the store of `cookies()`, which joins what a client sent with what the response will set.

Also the one place to import cookie classes from.
Source: Next.js, cookies.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Protocol, Self, Unpack

from waypost.http.request_cookies import RequestCookies, parse_cookie_header
from waypost.http.response_cookies import ResponseCookies, cookie_to_delete, cookie_to_set
from waypost.http.set_cookie import Cookie, CookieOptions, render_set_cookie

__all__ = [
    "Cookie",
    "CookieOptions",
    "CookieStore",
    "RequestCookies",
    "ResponseCookies",
    "parse_cookie_header",
    "render_set_cookie",
]


class Sender(Protocol):
    """Who has sent cookies: a Request."""

    @property
    def cookies(self) -> RequestCookies: ...


class CookieStore:
    """What `cookies()` gives: reads the request's cookies, collects writes, and reads see the writes before them.

    Can be awaited, as in Next.js; `await cookies()` is the store itself. A mapping, as RequestCookies is.
    request: asked at each read, since middleware may give it other headers; what was written here stands above them.
    writable: False makes set and delete raise TypeError with `reason`.
    """

    __slots__ = ("_changes", "_joined", "_request", "_under", "_writes", "reason", "writable")

    def __init__(self, request: Sender, writable: bool = True, reason: str = "") -> None:
        self._request = request
        self._writes: ResponseCookies | None = None
        self._changes: dict[str, Cookie | None] = {}  # None: deleted
        self._joined: RequestCookies | None = None
        self._under = ""  # the request's cookies that `_joined` was made over
        self.writable = writable
        self.reason = reason

    def __await__(self) -> Generator[None, None, CookieStore]:
        return self
        yield  # makes this a generator, as __await__ needs

    @property
    def changed(self) -> bool:
        """Whether a cookie was set or deleted."""
        return self._writes is not None

    def lines(self) -> list[str]:
        """The Set-Cookie values that the writes make, in order."""
        return [] if self._writes is None else self._writes.lines()

    def copy(self) -> CookieStore:
        """A store that has read and written the same, on its own."""
        twin = CookieStore(self._request, self.writable, self.reason)
        if self._writes is not None:
            twin._writes = ResponseCookies(self._writes.lines())
            twin._changes = self._changes.copy()
        return twin

    def freeze(self, reason: str) -> None:
        """Refuse writes from now on: the headers have gone out, or the place is one that can't set cookies."""
        self.writable = False
        self.reason = reason

    def get(self, name: str) -> Cookie | None:
        """The cookie `name`, or None."""
        return self._seen.get(name)

    def get_all(self, name: str | None = None) -> list[Cookie]:
        """Every cookie, or every one called `name`."""
        return self._seen.get_all(name)

    def has(self, name: str) -> bool:
        return self._seen.has(name)

    def set(
        self, name: str | Cookie | Mapping[str, object], value: str | None = None, **options: Unpack[CookieOptions]
    ) -> Self:
        """Set a cookie on the response, as ResponseCookies.set does; reads after it see the new value."""
        cookie = cookie_to_set(name, value, options)
        self._write(cookie, cookie)
        return self

    def delete(self, name: str | Cookie | Mapping[str, object], **options: Unpack[CookieOptions]) -> Self:
        """Tell the client to forget the cookie, whether or not it sent one; reads after it don't find it."""
        cookie = cookie_to_delete(name, options)
        self._write(cookie, None)
        return self

    def _write(self, cookie: Cookie, seen: Cookie | None) -> None:
        if not self.writable:
            raise TypeError(self.reason or "cookies can't be changed here: set them in a route handler or middleware")
        writes = ResponseCookies() if self._writes is None else self._writes
        writes.put(cookie)
        self._writes = writes
        self._changes.pop(cookie.name, None)
        self._changes[cookie.name] = seen
        self._joined = None

    @property
    def _seen(self) -> RequestCookies:
        """What reads find: the request's cookies as they are now, and the writes over them."""
        sent = self._request.cookies
        if self._writes is None:
            return sent
        joined = self._joined
        if joined is None or sent.header != self._under:
            joined = sent.copy()  # the request's own stay as they are
            for name, cookie in self._changes.items():
                if cookie is None:
                    joined.delete(name)
                else:
                    joined.set(cookie)
            self._joined, self._under = joined, sent.header
        return joined

    @property
    def size(self) -> int:
        """How many names there are."""
        return len(self._seen)

    def to_string(self) -> str:
        """The cookies as the text of a Cookie header."""
        return self._seen.to_string()

    __str__ = to_string

    def keys(self) -> list[str]:
        return self._seen.keys()

    def values(self) -> list[Cookie]:
        return self._seen.values()

    def items(self) -> list[tuple[str, Cookie]]:
        return self._seen.items()

    def __getitem__(self, name: str) -> Cookie:
        return self._seen[name]

    def __contains__(self, name: object) -> bool:
        return name in self._seen

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"CookieStore({', '.join(self)})"
