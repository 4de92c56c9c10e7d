"""Where Response.rewrite() may lead: a path of this application, or another server that the settings name.

Source: Next.js, NextResponse.rewrite; URL standard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from importlib.util import find_spec
from urllib.parse import quote

from waypost.app.context import RequestScope
from waypost.app.destination import check_external_path
from waypost.app.way import way_of
from waypost.errors import InvalidResponseError, InvalidURLError
from waypost.http.control import Control
from waypost.http.request import Request
from waypost.http.url import URL
from waypost.routing.canonical import PATH_SAFE

_PATH = re.compile(r"/(?![/\\])")


class Targets:
    """Takes rewrites over into the scope of their request.

    base_path: stands before a path; a URL is taken as it is. origins: other servers that may be rewritten to.
    canonical: the right spelling of a path, None when it is right: nobody is redirected to a path he did not ask for.
    """

    __slots__ = ("_base_path", "_canonical", "_origins")

    def __init__(self, base_path: str, origins: Collection[str], canonical: Callable[[str], str | None]) -> None:
        self._base_path = base_path
        self._origins = frozenset(origins)
        self._canonical = canonical

    def aim(self, control: Control, request: Request, scope: RequestScope) -> None:
        """Make the request one for the target of `control`. Raises InvalidResponseError where it can't lead."""
        target = control.target
        if isinstance(target, str) and _PATH.match(target):
            rest = target.partition("#")[0]
            path, _, query = rest.partition("?")
            path = self._base_path + path
        else:
            url = _absolute(target, request)
            if url.origin != _origin(request):
                self._leave(url, scope)
                return
            path, query = url.pathname, url.search[1:]
        if not path.isascii() or not path.isprintable() or " " in path:
            path = quote(path, safe=PATH_SAFE)
        scope.path = self._canonical(path) or path
        way = way_of(scope)
        way.query = query
        way.external = None
        # What the program made of next_url to get here is the target; the handler's is the client's again.
        request._next_url = None

    def _leave(self, url: URL, scope: RequestScope) -> None:
        if url.origin not in self._origins:
            raise InvalidResponseError(
                f"a rewrite to {url.origin} is not allowed: list it in rewrite_origins, or rewrite to a path"
            )
        if find_spec("httpx2") is None:
            raise InvalidResponseError('a rewrite to another server needs httpx2: pip install "waypost[fetch]"')
        check_external_path(url.pathname)
        way_of(scope).external = f"{url.origin}{url.pathname}{url.search}"


def _absolute(target: object, request: Request) -> URL:
    try:
        # Made anew, because the pathname of a NextURL leaves the base path out.
        return URL(str(target)) if isinstance(target, URL) else URL(str(target), request.url)
    except InvalidURLError as error:
        raise InvalidResponseError(f"Response.rewrite(): {error}") from None


def _origin(request: Request) -> str:
    return URL(f"{request.scheme}://{request.host}").origin
