"""URL: the URL standard's class, and NextURL, which a request has.

Parsing is ada's (the parser of Node.js), imported when the first URL is parsed: no other module may import it. A
NextURL of a request is made of the parts that came over the wire and parses nothing until something is asked for that
needs it; its pathname and query then still are the characters that routing saw.
Source: URL standard, URL class; Next.js, NextURL.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

from waypost.errors import InvalidURLError
from waypost.http.percent import scalar_text
from waypost.http.query import URLSearchParams, parse_query

if TYPE_CHECKING:
    from ada_url import URL as AdaURL

__all__ = ["URL", "NextURL", "URLSearchParams", "parse_query"]


def _parse(url: str | URL, base: str | URL | None = None) -> AdaURL:
    from ada_url import URL as AdaURL

    text = _href(url)
    try:
        return AdaURL(text) if base is None else AdaURL(text, _href(base))
    except ValueError:
        against = "" if base is None else f" with base {_href(base)!r}"
        raise InvalidURLError(f"{text!r}{against} is not a URL") from None


def _href(url: object) -> str:
    if isinstance(url, str):
        return scalar_text(url)
    if isinstance(url, URL):
        return url.href
    raise TypeError(f"a URL must be a str or URL, not {type(url).__name__}")


class URL:
    """A URL in parts, each readable and settable; parsed and serialised by the URL standard.

    url: absolute, or relative to `base`. Raises InvalidURLError when they make no URL.
    Setting a part to a value that it can't have leaves the URL as it is, as in JavaScript; setting `href` so raises
    InvalidURLError. `protocol` ends with `:`, `search` begins with `?` and `hash` with `#` unless they are empty.
    """

    __slots__ = ("_ada", "_params")

    def __init__(self, url: str | URL, base: str | URL | None = None) -> None:
        self._ada: AdaURL | None = _parse(url, base)
        self._params: URLSearchParams | None = None

    @staticmethod
    def can_parse(url: str | URL, base: str | URL | None = None) -> bool:
        """Whether `URL(url, base)` would work."""
        return URL.parse(url, base) is not None

    @classmethod
    def parse(cls, url: str | URL, base: str | URL | None = None) -> Self | None:
        """`URL(url, base)`, or None where that raises InvalidURLError."""
        try:
            return cls(url, base)
        except InvalidURLError:
            return None

    # What NextURL does otherwise.

    def _parsed(self) -> AdaURL:
        assert self._ada is not None  # only NextURL.from_parts leaves it out
        return self._ada

    def _store_query(self, query: str) -> None:
        self._parsed().search = query

    def _set_href(self, value: str | URL) -> None:
        self._ada = _parse(value)

    def _get_pathname(self) -> str:
        return self._live().pathname

    def _set_pathname(self, value: str) -> None:
        self._assign("pathname", value)

    def _get_search(self) -> str:
        return self._live().search

    def _set_search(self, value: str) -> None:
        self._assign("search", value)

    def _get_hash(self) -> str:
        return self._live().hash

    # Shared.

    def _sync(self) -> None:
        """Take over what the program changed in search_params."""
        params = self._params
        if params is not None and params.changed:
            self._store_query(params.to_string())
            params.changed = False

    def _live(self) -> AdaURL:
        self._sync()
        return self._parsed()

    def _assign(self, part: str, value: object) -> None:
        if not isinstance(value, str):
            raise TypeError(f"{part} must be a str, not {type(value).__name__}")
        try:
            setattr(self._live(), part, scalar_text(value))
        except ValueError:
            return  # the binding's word for "ignored", which is the standard's answer to a value that does not fit

    def _refill(self) -> None:
        if self._params is not None:
            self._params.reset(self.search[1:])

    @property
    def href(self) -> str:
        """The whole URL."""
        return self._live().href

    @href.setter
    def href(self, value: str) -> None:
        self._set_href(value)
        self._refill()

    @property
    def origin(self) -> str:
        """Scheme, host and port; "null" for a scheme that has no origin."""
        return self._live().origin

    @property
    def protocol(self) -> str:
        return self._live().protocol

    @protocol.setter
    def protocol(self, value: str) -> None:
        self._assign("protocol", value)

    @property
    def username(self) -> str:
        return self._live().username

    @username.setter
    def username(self, value: str) -> None:
        self._assign("username", value)

    @property
    def password(self) -> str:
        return self._live().password

    @password.setter
    def password(self, value: str) -> None:
        self._assign("password", value)

    @property
    def host(self) -> str:
        """Host name, with `:port` unless that is the scheme's own."""
        return self._live().host

    @host.setter
    def host(self, value: str) -> None:
        self._assign("host", value)

    @property
    def hostname(self) -> str:
        """Host name in lower case; an IPv6 address is in brackets."""
        return self._live().hostname

    @hostname.setter
    def hostname(self, value: str) -> None:
        self._assign("hostname", value)

    @property
    def port(self) -> str:
        """The port as text; "" for the scheme's own. Can be set to an int."""
        return self._live().port

    @port.setter
    def port(self, value: str | int) -> None:
        self._assign("port", str(value) if type(value) is int else value)

    @property
    def pathname(self) -> str:
        """The path with its escapes as they are."""
        return self._get_pathname()

    @pathname.setter
    def pathname(self, value: str) -> None:
        self._set_pathname(value)

    @property
    def search(self) -> str:
        """The query with its `?`; "" when it is missing or empty."""
        return self._get_search()

    @search.setter
    def search(self, value: str) -> None:
        self._set_search(value)
        self._refill()

    @property
    def search_params(self) -> URLSearchParams:
        """The fields of the query. What is changed in them changes the URL, and the other way round."""
        params = self._params
        if params is None:
            params = self._params = URLSearchParams(self._get_search())
        return params

    @property
    def hash(self) -> str:
        """The fragment with its `#`; "" when it is missing or empty."""
        return self._get_hash()

    @hash.setter
    def hash(self, value: str) -> None:
        self._assign("hash", value)

    def to_string(self) -> str:
        return self.href

    def to_json(self) -> str:
        return self.href

    def __str__(self) -> str:
        return self.href

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.href!r})"

    def __eq__(self, other: object) -> bool:
        return self.href == other.href if isinstance(other, URL) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by content and mutable, so it can't be a key

    def __copy__(self) -> URL:
        return URL(self.href)

    def __deepcopy__(self, memo: dict[int, Any]) -> URL:
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.href,)


class NextURL(URL):
    """The URL of a request: a URL that knows the application's base path and can be cloned.

    `pathname` is without the base path, `href` with it. Of a URL outside the base path, `base_path` is "".
    """

    __slots__ = ("_base", "_configured", "_host", "_path", "_query", "_scheme")

    # As sent, until the program sets them or the URL was not made by from_parts: path (with base path) and query.
    _path: str | None
    _query: str | None
    _scheme: str
    _host: str

    def __init__(self, url: str | URL, base: str | URL | None = None, *, base_path: str = "") -> None:
        super().__init__(url, base)
        self._path = self._query = None
        self._scheme = self._host = ""
        self._configured = base_path
        self._base = _covering(base_path, self._parsed().pathname)

    @classmethod
    def from_parts(cls, scheme: str, host: str, raw_path: str, query: str, base_path: str = "") -> NextURL:
        """The URL of a request target; parses nothing.

        scheme: "http" or "https". host: a valid Host value. raw_path: as sent, base path included. query: without `?`.
        Reading pathname, search, search_params, hash and base_path, changing search_params, and clone() stay that
        cheap. An invalid host raises InvalidURLError at the first use of anything else.
        """
        self = cls.__new__(cls)
        self._ada = None
        self._params = None
        self._scheme = scheme
        self._host = host
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
        twin._scheme = self._scheme
        twin._host = self._host
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

    def _parsed(self) -> AdaURL:
        if self._ada is None:
            path, query = self._path or "/", self._query
            if path[0] != "/":
                path = "/" + path  # "*", the target of OPTIONS *
            text = f"{self._scheme}://{self._host}{path}?{query}" if query else f"{self._scheme}://{self._host}{path}"
            # A `#` that came over the wire belongs to the path or query; the parser would take it for a fragment.
            self._ada = _parse(text.replace("#", "%23"))
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
        self._assign("pathname", value)
        self._path = None
        if self._base:
            # Resolved alone first, so that no `..` of the value climbs out of the base path.
            resolved = self._live().pathname
            self._assign("pathname", self._base if resolved == "/" else self._base + resolved)

    def _get_search(self) -> str:
        self._sync()
        query = self._query
        if query is None:
            return self._parsed().search
        return f"?{query}" if query else ""

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
