"""NextURL, the URL that a request has; also the one place to import URL classes from.

A NextURL of a request is made of the parts that came over the wire and parses nothing until something is asked for that
needs it; its pathname and query then still are the characters that routing saw.
Source: Next.js, NextURL.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waypost.http.query import URLSearchParams, parse_query
from waypost.http.standard_url import URL, parse_url

if TYPE_CHECKING:
    import ada_url

__all__ = ["URL", "NextURL", "URLSearchParams", "parse_query"]


class NextURL(URL):
    """The URL of a request: a URL that knows the application's base path and can be cloned.

    `pathname` is without the base path, `href` with it. Where the pathname ends in a slash, one that
    is set does, too. Of a URL outside the base path, `base_path` is "".
    """

    __slots__ = ("_base", "_configured", "_origin", "_path", "_query")

    # As sent, until the program sets them or the URL was not made by from_parts: path (with base path) and query.
    _path: str | None
    _query: str | None
    _origin: Callable[[], str]

    def __init__(self, url: str | URL, base: str | URL | None = None, *, base_path: str = "") -> None:
        super().__init__(url, base)
        self._path = self._query = None
        self._origin = str  # never asked: the URL is parsed already
        self._configured = base_path
        self._base = _covering(base_path, self._parsed().pathname)

    @classmethod
    def from_parts(cls, scheme: str, host: str, raw_path: str, query: str, base_path: str = "") -> NextURL:
        """The URL of a request target; parses nothing.

        scheme: "http" or "https". host: a valid Host value. raw_path: as sent, base path included. query: without `?`.
        Reading pathname, search, search_params, hash and base_path, changing search_params, and clone() stay that
        cheap. An invalid host raises InvalidURLError at the first use of anything else.
        """
        return cls.of_target(lambda: f"{scheme}://{host}", raw_path, query, base_path)

    @classmethod
    def of_target(cls, origin: Callable[[], str], raw_path: str, query: str, base_path: str = "") -> NextURL:
        """As from_parts, with an origin ("http://host") that is asked for only when more than path and query is."""
        self = cls.__new__(cls)
        self._ada = None
        self._params = None
        self._origin = origin
        self._path = raw_path
        self._query = query
        self._configured = base_path
        self._base = _covering(base_path, raw_path) if base_path else ""
        return self

    def clone(self) -> NextURL:
        """A copy; changes to either leave the other alone."""
        self._sync()
        twin = NextURL.__new__(NextURL)
        twin._ada = None if self._ada is None else copy.deepcopy(self._ada)
        twin._params = None
        twin._origin = self._origin
        twin._path = self._path
        twin._query = self._query
        twin._configured = self._configured
        twin._base = self._base
        return twin

    @property
    def base_path(self) -> str:
        """The application's base path when this URL is below it, else "". Can be set; the pathname stays."""
        return self._base

    @base_path.setter
    def base_path(self, value: str) -> None:
        pathname = self.pathname
        value = value.strip("/")
        self._configured = self._base = f"/{value}" if value else ""
        self.pathname = pathname

    def _parsed(self) -> ada_url.URL:
        if self._ada is None:
            path, query = self._path or "/", self._query
            if path[0] != "/":
                path = "/" + path  # "*", the target of OPTIONS *
            text = f"{self._origin()}{path}?{query}" if query else f"{self._origin()}{path}"
            # A `#` that came over the wire belongs to the path or query; the parser would take it for a fragment.
            self._ada = parse_url(text.replace("#", "%23"))
        return self._ada

    def _store_query(self, query: str) -> None:
        if self._ada is None:
            self._query = query
        else:
            self._query = None
            self._ada.search = query

    def _set_href(self, value: str | URL) -> None:
        super()._set_href(value)
        self._path = self._query = None
        self._base = _covering(self._configured, self._parsed().pathname)

    def _get_pathname(self) -> str:
        path = self._path if self._path is not None else self._live().pathname
        base = self._base
        return (path[len(base) :] or "/") if base else path

    def _set_pathname(self, value: str) -> None:
        before = self._get_pathname()
        self._assign("pathname", value)
        self._path = None
        if before[-1:] == "/" and before != "/":
            self._end_with_slash()
        if self._base:
            # Resolved alone first, so that no `..` of the value climbs out of the base path.
            resolved = self._live().pathname
            self._assign("pathname", self._base if resolved == "/" else self._base + resolved)

    def _end_with_slash(self) -> None:
        """Write the path as the one before was written: where paths end in a slash, a redirect would add it anyway.

        Not after a file name, which has none there either.
        """
        resolved = self._live().pathname
        if "." not in resolved[resolved.rfind("/") :] and resolved[-1:] != "/":
            self._assign("pathname", resolved + "/")

    def _get_search(self) -> str:
        self._sync()
        query = self._query
        if query is None:
            return self._parsed().search
        return f"?{query}" if query else ""

    def _query_text(self) -> str:
        # Asked for only while there are no search_params, so that there is nothing to take over from them.
        return self._parsed().search[1:] if self._query is None else self._query

    def _set_search(self, value: str) -> None:
        self._assign("search", value)
        self._query = None

    def _get_hash(self) -> str:
        return "" if self._ada is None else self._live().hash  # a request target has no fragment

    def __copy__(self) -> NextURL:
        return self.clone()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.href, self._configured)


def _covering(base_path: str, path: str) -> str:
    """base_path when path is it or lies below it, else ""."""
    covered = base_path and path.startswith(base_path) and path[len(base_path) :][:1] in ("", "/")
    return base_path if covered else ""


def _restore(href: str, base_path: str) -> NextURL:
    return NextURL(href, base_path=base_path)
