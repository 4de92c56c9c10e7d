"""The automatic OPTIONS answer of a route, and the part that wrapped handlers have in it.

A browser asks with OPTIONS whether it may send another verb. A wrapper around that verb's handler (waypost.cors) leaves
its answer on the wrapped function, as `__waypost_preflight__(request, response) -> response`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from waypost.app.context import RequestScope
from waypost.app.entry import Endpoint
from waypost.http.request import Request
from waypost.http.response import Response

Preflight: TypeAlias = Callable[[Request, Response], Response]


def preflight_endpoint(handlers: Mapping[str, Callable[..., Any]]) -> Endpoint | None:
    """An OPTIONS endpoint when a handler of the file has a say in preflights and none is exported."""
    found: dict[str, Preflight] = {
        verb: preflight
        for verb, handler in handlers.items()
        if (preflight := getattr(handler, "__waypost_preflight__", None)) is not None
    }
    if not found or "OPTIONS" in handlers:
        return None
    if "GET" in found:
        found.setdefault("HEAD", found["GET"])

    async def options(request: Request, scope: RequestScope) -> Response:
        allow = scope.entry.allow if scope.entry is not None else ""
        response = Response(None, 204, {"allow": allow})
        asked = found.get(request.headers.get("access-control-request-method") or "")
        return response if asked is None else asked(request, response)

    return options
