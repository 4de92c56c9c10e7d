"""One request to one endpoint: path → entry → verb → the user's function → Response.

Answers OPTIONS, 405, 404 and the slash redirects itself. Everything that depends on the project is decided in the
constructor; a request does one dict look-up for a static path, one step a segment for a dynamic one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waypost.app.context import Param, RequestScope, current_scope
from waypost.app.entry import RouteEntry
from waypost.app.failures import error_response, unknown_path
from waypost.app.result import to_response
from waypost.errors import BodyTooLarge
from waypost.http.body import RequestBody
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.routing.table import RouteTable

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Dispatcher:
    """Answers requests from a frozen table.

    find_public: the entry of a file in public/ for a raw path, or None; it goes before routes (Next.js, public folder).
    """

    __slots__ = ("_base", "_find_public", "_static", "_table")

    def __init__(
        self, table: RouteTable[RouteEntry], find_public: Callable[[str], RouteEntry | None], base_path: str
    ) -> None:
        self._table = table
        self._find_public = find_public
        self._base = base_path
        # Public files shadow routes, so a shadowed route must not be found by the shortcut.
        self._static = {
            base_path + path if path != "/" or not base_path else base_path: entry
            for path, entry in table.static.items()
            if find_public(path) is None
        }

    async def __call__(self, request: Request) -> Response:
        """The Handler at the end of the middleware chain. Raises whatever the user's function raises."""
        scope = current_scope.get()
        entry = self._static.get(request.path)
        if entry is None:
            found = self._find(request)
            if isinstance(found, Response):
                return found
            entry, scope.params = found
        scope.entry = entry
        endpoint = entry.endpoints.get(request.method)
        if endpoint is None:
            return _without_endpoint(entry, request.method)
        body = request._body
        if body is not None:
            await _limit(body, entry)
        value = await endpoint(request, scope)
        if body is not None and body.limit is not None and body.received > body.limit:
            # The handler caught the error, or never looked: a cut body must not pass for a whole one.
            raise BodyTooLarge(f"Request body is larger than {body.limit} bytes")
        if value.__class__ is Response and value._status and value._control is None:
            return value  # type: ignore[no-any-return]  # a Response, by its class
        return to_response(value, f"{request.method} in {entry.file}")

    def _find(self, request: Request) -> tuple[RouteEntry, dict[str, Param]] | Response:
        path = request.path
        base = self._base
        if base:
            if path != base and not path.startswith(base + "/"):
                return unknown_path(request)
            path = path[len(base) :] or "/"
            if path == "/" and request.path != base and not self._table.trailing_slash:
                return _slash_redirect(base, request.query_string)
        canonical = self._table.redirect(path)
        if canonical is not None:
            return _slash_redirect(base + canonical if canonical != "/" or not base else base, request.query_string)
        public = self._find_public(path)
        if public is not None:
            return public, {}
        match: Any = self._table.match(path)
        if match is None:
            return unknown_path(request)
        entry, params = match
        return entry, params


async def _limit(body: RequestBody, entry: RouteEntry) -> None:
    """Refuse a body over the route's limit before the handler has any effect.

    A chunked body does not say its size, so it is collected first, up to the limit; a route that sets a limit of its
    own gets it as a stream, and BodyTooLarge when it reads past the limit.
    """
    limit = body.limit = entry.max_body_size
    if limit is None:
        return
    if (body.declared if body.declared is not None else body.received) > limit:
        raise BodyTooLarge(f"Request body is larger than {limit} bytes")
    if body.declared is None and not entry.streams_body:
        await body.read()


def _without_endpoint(entry: RouteEntry, method: str) -> Response:
    if entry.error is not None:
        raise entry.error
    if method == "OPTIONS":
        return Response(None, 204, {"allow": entry.allow})
    if method in METHODS:
        return error_response(405, "Method not allowed", {"allow": entry.allow})
    return error_response(400, "Unknown method", {"allow": entry.allow})


def _slash_redirect(path: str, query: str) -> Response:
    location = f"{path}?{query}" if query else path
    return Response(location, 308, {"location": location, "refresh": f"0;url={location}"})
