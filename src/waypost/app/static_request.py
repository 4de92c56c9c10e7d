"""The request that a static handler gets: what its cache key covers, and nothing of the client that came first.

Under `force-static` the rest is empty, as in Next.js; elsewhere reading it is an error that names the line, because an
answer that depends on it must not be kept for others.
Source: Next.js, "dynamic" (force-static, error).
"""

from __future__ import annotations

from typing import NoReturn

from waypost.cache.fill import dynamic_read
from waypost.http.cookies import RequestCookies
from waypost.http.headers import Headers
from waypost.http.request import Request, incoming
from waypost.http.signal import AbortSignal
from waypost.http.site import Connection, Site
from waypost.http.url import NextURL, URLSearchParams

# The host is a client's word and no part of the key: every static handler sees this one.
ORIGIN = ("localhost", None)


def empty_request(path: str, site: Site) -> Request:
    """A GET of `path` without query, headers, cookies or address. path: with the base path."""
    return incoming("GET", path, [], None, Connection("http", None, ORIGIN, site))


def strict_request(path: str, site: Site, remedy: str) -> StrictRequest:
    """The same; reading what would be empty raises DynamicReadError. remedy: the end of its message."""
    empty = empty_request(path, site)
    request = StrictRequest.__new__(StrictRequest)
    for name in Request.__slots__:
        setattr(request, name, getattr(empty, name, None))
    request.remedy = remedy
    return request


class StrictRequest(Request):
    """A request of which method, path and the pathname of next_url can be read."""

    __slots__ = ("remedy",)

    remedy: str

    def refuse(self, what: str) -> NoReturn:
        """Raise DynamicReadError, as for a read of `what`."""
        raise dynamic_read(f"{what} was read in a static handler, whose answer is kept for everybody: {self.remedy}")

    @property
    def url(self) -> str:
        """Refused: host and query differ from request to request."""
        self.refuse("request.url")

    @property
    def scheme(self) -> str:
        """Refused."""
        self.refuse("request.scheme")

    @property
    def host(self) -> str:
        """Refused."""
        self.refuse("request.host")

    @property
    def headers(self) -> Headers:
        """Refused."""
        self.refuse("request.headers")

    @property
    def cookies(self) -> RequestCookies:
        """Refused."""
        self.refuse("request.cookies")

    @property
    def ip(self) -> str | None:
        """Refused."""
        self.refuse("request.ip")

    @property
    def signal(self) -> AbortSignal:
        """Refused: the fill goes on when the client that caused it leaves."""
        self.refuse("request.signal")

    @property
    def next_url(self) -> NextURL:
        """A URL whose pathname and base_path can be read."""
        if self._next_url is None:
            self._next_url = _StrictURL.of_path(self, self.path)
        return self._next_url

    @property
    def query_string(self) -> str:
        """Refused."""
        self.refuse("request.query_string")

    @query_string.setter
    def query_string(self, value: str) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  # was a slot
        """Nothing: there is none to keep."""

    def clone(self) -> Request:
        """Itself: there is no body, and nothing of it can change."""
        return self


class _StrictURL(NextURL):
    __slots__ = ("_request",)

    _request: StrictRequest

    @classmethod
    def of_path(cls, request: StrictRequest, path: str) -> _StrictURL:
        def origin() -> str:
            request.refuse("the host of request.next_url")

        self = cls.of_target(origin, path, "", request._connection.site.base_path)
        assert isinstance(self, cls)
        self._request = request
        return self

    def _get_search(self) -> str:
        self._request.refuse("request.next_url.search")

    @property
    def search_params(self) -> URLSearchParams:
        """Refused."""
        self._request.refuse("request.next_url.search_params")

    def clone(self) -> NextURL:
        """Refused: a copy would have to have all parts."""
        self._request.refuse("request.next_url.clone()")
