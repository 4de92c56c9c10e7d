"""OpenTelemetry: a server span and the standard metrics for each request, named by the route's pattern.

Active when the program set up an SDK by the end of its start-up (in `register()` of instrumentation.py, or by
`opentelemetry-instrument`): even the API's empty tracer costs several times what the rest of a small request does.
A span ends when the response is made; a stream goes on after it.
Source: OpenTelemetry semantic conventions for HTTP servers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from waypost.app.context import current_scope
from waypost.app.failures import status_of
from waypost.http.host import split_host
from waypost.http.request import Request
from waypost.http.response import Response

# Seconds, as the conventions have them: those of the SDK are meant for milliseconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"))


def is_set_up() -> bool:
    """Whether spans or metrics go anywhere. Imports nothing where opentelemetry-api is not installed."""
    if importlib.util.find_spec("opentelemetry") is None:
        return False
    from opentelemetry import metrics, trace

    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    # The stand-ins of the API, of which one has no public name, are called so.
    return any(not type(provider).__name__.lstrip("_").startswith(("Proxy", "NoOp")) for provider in providers)


def traced(respond: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """`respond` with a span and metrics around it."""
    from opentelemetry import metrics, propagate, trace

    tracer = trace.get_tracer("waypost")
    meter = metrics.get_meter("waypost")
    named = ("http.server.request.duration", "s", "Duration of HTTP server requests.")
    try:
        duration = meter.create_histogram(*named, explicit_bucket_boundaries_advisory=_BUCKETS)
    except TypeError:  # an API from before 2025
        duration = meter.create_histogram(*named)
    active = meter.create_up_down_counter("http.server.active_requests", "{request}", "HTTP requests in progress.")

    async def respond_traced(request: Request) -> Response:
        # The conventions want _OTHER for unknown methods: otherwise clients could make up metric series.
        method = request.method if request.method in _METHODS else "_OTHER"
        common: dict[str, Any] = {"http.request.method": method, "url.scheme": request.scheme}
        parent = propagate.extract(dict(request.headers.entries()))
        began = perf_counter()
        active.add(1, common)
        attributes = {**common, **_of_request(request)}
        # redirect() and its kin are raised too: which exception is a fault is decided below.
        with tracer.start_as_current_span(
            method,
            context=parent,
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            status = 500
            try:
                response = await respond(request)
                status = response.status
                return response
            except BaseException as error:
                status = status_of(error)
                if status >= 500:
                    span.record_exception(error)
                raise
            finally:
                active.add(-1, common)
                outcome = _outcome(status)
                if "http.route" in outcome:
                    span.update_name(f"{method} {outcome['http.route']}")
                if status >= 500:
                    span.set_status(trace.Status(trace.StatusCode.ERROR))
                span.set_attributes(outcome)
                duration.record(perf_counter() - began, {**common, **outcome})

    return respond_traced


def _outcome(status: int) -> dict[str, Any]:
    outcome: dict[str, Any] = {"http.response.status_code": status}
    entry = current_scope.get().entry
    if entry is not None:
        outcome["http.route"] = entry.pattern
    if status >= 500:
        outcome["error.type"] = str(status)
    return outcome


def _of_request(request: Request) -> dict[str, Any]:
    host, port = split_host(request.host)
    attributes: dict[str, Any] = {"url.path": request.path, "server.address": host}
    if port is not None:
        attributes["server.port"] = port
    if request.method not in _METHODS:
        attributes["http.request.method_original"] = request.method
    if request.query_string:
        attributes["url.query"] = request.query_string
    if request.ip is not None:
        attributes["client.address"] = request.ip
    agent = request.headers.get("user-agent")
    return attributes if agent is None else {**attributes, "user_agent.original": agent}
