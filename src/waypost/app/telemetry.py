"""OpenTelemetry: a server span and the standard metrics for each request, named by the route's pattern.

Active when the package opentelemetry-api is installed and `telemetry` is on; where the program sets up no SDK, the API
does nothing. A span ends when the response is made; a stream goes on after it.
Source: OpenTelemetry semantic conventions for HTTP servers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from waypost.app.context import current_scope
from waypost.http.request import Request
from waypost.http.response import Response

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"))


def available() -> bool:
    """Whether opentelemetry-api is installed. Imports nothing."""
    return importlib.util.find_spec("opentelemetry") is not None


def traced(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """`handle` with a span and metrics around it."""
    from opentelemetry import metrics, propagate, trace

    tracer = trace.get_tracer("waypost")
    meter = metrics.get_meter("waypost")
    duration = meter.create_histogram("http.server.request.duration", "s", "Duration of HTTP server requests.")
    active = meter.create_up_down_counter("http.server.active_requests", "{request}", "HTTP requests in progress.")

    async def handle_traced(request: Request) -> Response:
        # The conventions want _OTHER for unknown methods: otherwise clients could make up metric series.
        method = request.method if request.method in _METHODS else "_OTHER"
        common: dict[str, Any] = {"http.request.method": method, "url.scheme": request.scheme}
        parent = propagate.extract(dict(request.headers.entries()))
        began = perf_counter()
        active.add(1, common)
        with tracer.start_as_current_span(
            method, context=parent, kind=trace.SpanKind.SERVER, attributes={**common, **_of_request(request)}
        ) as span:
            try:
                response = await handle(request)
            finally:
                active.add(-1, common)
            outcome: dict[str, Any] = {"http.response.status_code": response.status}
            entry = current_scope.get().entry
            if entry is not None:
                outcome["http.route"] = entry.pattern
                span.update_name(f"{method} {entry.pattern}")
            if response.status >= 500:
                outcome["error.type"] = str(response.status)
                span.set_status(trace.Status(trace.StatusCode.ERROR))
            span.set_attributes(outcome)
        duration.record(perf_counter() - began, {**common, **outcome})
        return response

    return handle_traced


def _of_request(request: Request) -> dict[str, Any]:
    attributes = {"url.path": request.path, "server.address": request.host}
    if request.query_string:
        attributes["url.query"] = request.query_string
    if request.ip is not None:
        attributes["client.address"] = request.ip
    agent = request.headers.get("user-agent")
    return attributes if agent is None else {**attributes, "user_agent.original": agent}
