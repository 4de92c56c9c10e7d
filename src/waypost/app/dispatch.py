"""One request to one endpoint: path → entry → verb → the user's function → Response.

Answers OPTIONS, 405, 404 and the slash redirects itself. Everything that depends on the project is decided in the
constructor; a request does one dict look-up for a static path, one step a segment for a dynamic one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from waypost.app.context import RequestScope, current_scope
from waypost.app.entry import Endpoint, RouteEntry
from waypost.app.failures import error_response, unknown_path
from waypost.app.result import to_response
from waypost.app.static_routes import StaticRoute
from waypost.errors import BodyTooLarge
from waypost.http.body import RequestBody
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.routing.table import RouteTable

Select: TypeAlias = "Callable[[Request, RequestScope], Response | Awaitable[Any]]"

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
# Methods of any resource in HTTP's own standards that no route can export.
_STANDARD = frozenset(("TRACE", "QUERY"))


class Dispatcher:
    """Answers requests from a frozen table. unknown: answers the paths that it does not have."""

    __slots__ = ("_static", "_table", "_unknown")

    def __init__(self, table: RouteTable[RouteEntry], unknown: Callable[[Request], Response] = unknown_path) -> None:
        self._table = table
        self._unknown = unknown
        self._static = table.static

    def static_routes(self) -> Iterator[tuple[str, StaticRoute, bool]]:
        """Paths of cached GETs with nothing in front of them, and whether HEAD is answered by the same."""
        for path, entry in self._static.items():
            route = entry.static
            own: dict[str, object] = {**entry.endpoints}
            if route is not None and own["GET"] is route:
                yield path, route, own["HEAD"] is route

    async def __call__(self, request: Request) -> Response:
        """The Handler at the end of the middleware chain. Raises whatever the user's function raises."""
        scope = current_scope.get()
        value = self.select(request, scope)
        if not isinstance(value, Response):
            value = await value
        return settled(value, request, scope)

    def select(self, request: Request, scope: RequestScope) -> Response | Awaitable[Any]:
        """The answer where no user code has a say, else the user's function, called and to be awaited.

        A plain function, so that a request without middleware is one coroutine less.
        """
        entry = self._static.get(scope.path)
        if entry is None:
            found = self._table.find(scope.path)
            if found is None or isinstance(found, str):
                return self._elsewhere(found, request, scope.path)
            entry, scope.params = found
        scope.entry = entry
        endpoint = entry.endpoints.get(request.method) or entry.otherwise
        if endpoint is None:
            return without_endpoint(entry, request.method)
        body = request._body
        if body is not None:
            limit = body.limit = entry.max_body_size
            if limit is not None:
                if body.declared is None:
                    return _undeclared(body, limit, entry, endpoint, request, scope)
                if body.declared > limit:  # no server takes more than what is declared
                    raise _too_large(limit)
        return endpoint(request, scope)

    def _elsewhere(self, canonical: str | None, request: Request, path: str) -> Response:
        """The answer to a path that no route has: where to find it instead, or that it is unknown."""
        if canonical is not None:
            return slash_redirect(canonical, request.query_string)
        return _server_options(request.method) if path == "*" else self._unknown(request)


def settled(value: Any, request: Request, scope: RequestScope) -> Response:
    """What a handler gave, as a Response that can be sent."""
    if value.__class__ is Response and value._status and value._control is None:
        return value
    return to_response(value, f"{request.method} in {scope.entry.file if scope.entry is not None else 'the route'}")


async def _undeclared(
    body: RequestBody, limit: int, entry: RouteEntry, endpoint: Endpoint, request: Request, scope: RequestScope
) -> Any:
    """Call the handler with a chunked body held to the route's limit, and refuse what is over it before any effect.

    It does not say its size, so it is collected first, up to the limit; a route that sets a limit of its own gets it as
    a stream, and BodyTooLarge when it reads past the limit.
    """
    if body.received > limit:
        raise _too_large(limit)
    if not entry.streams_body:
        await body.read()
    value = await endpoint(request, scope)
    if body.received > limit:
        # The handler caught the error, or never looked: a cut body must not pass for a whole one.
        raise _too_large(limit)
    return value


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"Request body is larger than {limit} bytes")


def without_endpoint(entry: RouteEntry, method: str) -> Response:
    """The answer of a route to a verb that its file does not export."""
    if entry.error is not None:
        raise entry.error
    if method == "OPTIONS":
        return Response(None, 204, {"allow": entry.allow})
    if method in METHODS or method in _STANDARD:
        return error_response(405, "Method not allowed", {"allow": entry.allow})
    return error_response(400, "Unknown method", {"allow": entry.allow})


def _server_options(method: str) -> Response:
    """`OPTIONS *` asks about the server, not about a resource (RFC 9110 section 9.3.7)."""
    if method == "OPTIONS":
        return Response(None, 204, {"allow": ", ".join(sorted(METHODS))})
    return error_response(400, "Invalid request target")


def slash_redirect(path: str, query: str) -> Response:
    """The redirect to the canonical path."""
    return redirect_response(f"{path}?{query}" if query else path, 308)


def redirect_response(location: str, status: int) -> Response:
    """A redirect of the framework: the location as text too, and `Refresh` for old clients on a 308 (Next.js)."""
    headers = {"location": location}
    if status == 308:
        headers["refresh"] = f"0;url={location}"
    return Response(location, status, headers)
