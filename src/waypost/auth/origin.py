"""Whether a browser sends a request for a page of ours or for someone else's (CSRF).

A browser adds the session cookie whoever made it send the request; what it also adds, and no page can change, is where
the request comes from. A client that is no browser sends neither header, and no cookie that it was not given.
Source: Fetch Metadata Request Headers; RFC 6454 section 7 (Origin).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from waypost.errors import HTTPError, StartupError
from waypost.http.host import DEFAULT_PORTS
from waypost.http.origin import is_own_origin
from waypost.http.request import Request

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class CrossSiteRequest(HTTPError):
    """Another site's page made a browser send this with our cookie: 403."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Cross-site request refused")


def read_origins(origins: Iterable[str]) -> frozenset[str]:
    """The origins that may send requests with our cookie. Raises StartupError for one that is none."""
    found = set()
    for origin in [origins] if isinstance(origins, str) else origins:
        parts = urlsplit(origin)
        if parts.scheme not in DEFAULT_PORTS or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise StartupError(f"{origin!r} is not an origin", remedy="Write a scheme and a host: https://app.example.")
        found.add(origin.lower().removesuffix(DEFAULT_PORTS[parts.scheme]))
    return frozenset(found)


def require_same_site(request: Request, trusted: frozenset[str]) -> None:
    """Raise CrossSiteRequest for an unsafe method that a foreign page has caused."""
    if request.method in SAFE_METHODS:
        return
    origins = request.headers.get_all("origin")
    sites = request.headers.get_all("sec-fetch-site")
    if len(origins) > 1 or len(sites) > 1:
        raise CrossSiteRequest
    origin = origins[0].lower() if origins else None
    if origin in trusted:
        return
    if sites:
        # "same-site" is not enough: a page on another subdomain may be anyone's. "none" is the user's own doing.
        if sites[0] not in ("same-origin", "none"):
            raise CrossSiteRequest
        return
    if origin is not None and not is_own_origin(origin, request.scheme, request.host):
        raise CrossSiteRequest
