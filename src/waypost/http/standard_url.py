"""URL: the URL standard's class, on top of ada, the parser of Node.js.

The only module that imports ada_url, and only when the first URL is parsed: most requests never need it.
Knows nothing of requests and base paths.
Source: URL standard, URL class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from waypost.errors import InvalidURLError
from waypost.http.percent import scalar_text
from waypost.http.query import URLSearchParams

if TYPE_CHECKING:
    import ada_url


def parse_url(url: str | URL, base: str | URL | None = None) -> ada_url.URL:
    """The parser's own object for url; InvalidURLError when there is none."""
    import ada_url

    text = _href(url)
    try:
        return ada_url.URL(text) if base is None else ada_url.URL(text, _href(base))
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
        self._ada: ada_url.URL | None = parse_url(url, base)
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

    # What a kind of URL may do otherwise.

    def _parsed(self) -> ada_url.URL:
        assert self._ada is not None  # a kind that leaves it out overrides this method
        return self._ada

    def _store_query(self, query: str) -> None:
        self._parsed().search = query

    def _set_href(self, value: str | URL) -> None:
        self._ada = parse_url(value)

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

    def _query_text(self) -> str:
        return self._get_search()[1:]

    # Shared.

    def _sync(self) -> None:
        """Take over what the program changed in search_params."""
        params = self._params
        if params is not None and params.changed:
            self._store_query(params.to_string())
            params.changed = False

    def _live(self) -> ada_url.URL:
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
            params = self._params = URLSearchParams.of_query(self._query_text())
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
