"""The answers that Waypost itself gives in a handler's place, as OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from waypost.app.entry import RouteEntry
from waypost.app.operation import Body, Operation
from waypost.openapi.components import Components

_ERROR: Final = "ErrorResponse"
_VALIDATION: Final = "ValidationErrorResponse"

_SCHEMAS: Final[Mapping[str, Any]] = {
    _ERROR: {
        "type": "object",
        "description": "What went wrong, in words.",
        "properties": {"error": {"type": "string"}},
        "required": ["error"],
    },
    _VALIDATION: {
        "type": "object",
        "description": "What is wrong with the request; issues where it could be read and did not fit.",
        "properties": {
            "error": {"type": "string"},
            "issues": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                        "message": {"type": "string"},
                        "code": {"type": "string"},
                    },
                    "required": ["path", "message", "code"],
                },
            },
        },
        "required": ["error"],
    },
}
_HEADERS: Final[Mapping[int, Mapping[str, tuple[str, str]]]] = {
    401: {"WWW-Authenticate": ("string", "How to sign in.")},
    429: {
        "Retry-After": ("integer", "Seconds after which the request may be tried again."),
        "X-RateLimit-Limit": ("integer", "Requests in one window."),
        "X-RateLimit-Remaining": ("integer", "Requests that are left of it."),
        "X-RateLimit-Reset": ("integer", "Unix time at which the window begins anew."),
    },
}


def failures(
    operation: Operation, body: Body | None, entry: RouteEntry, components: Components
) -> dict[int, dict[str, Any]]:
    """Status → response, for an operation: what a wrapper refuses, and what its arguments can be wrong in.

    body: what it may be sent.
    """
    found: dict[int, str] = {}
    read = body is not None and body.schema is not None
    read = read or any(parameter.schema is not None for parameter in operation.parameters)
    # A handler that declares nothing may have a 400 and a 404 of its own, with whatever body.
    if read or (operation.responses and operation.parameters):
        found[400] = "The request can't be read, or does not fit."
    if operation.responses and any(parameter.place == "path" for parameter in operation.parameters):
        found[404] = "There is no such thing."
    if body is not None:
        if entry.max_body_size is not None:
            found[413] = f"The body is larger than {entry.max_body_size} bytes."
        if body.schema is not None:
            found[415] = f"The body is not {' or '.join(body.media_types)}."
    for added in operation.additions:
        found.update(added.responses)
    return {status: failure(status, found[status], components) for status in sorted(found)}


def failure(status: int, description: str, components: Components) -> dict[str, Any]:
    """One response with the body that every error has."""
    name = _VALIDATION if status == 400 else _ERROR
    schema = components.add(name, _SCHEMAS[name])
    response: dict[str, Any] = {"description": description}
    headers = _HEADERS.get(status, {})
    if headers:
        response["headers"] = {
            header: {"description": text, "schema": {"type": kind}} for header, (kind, text) in headers.items()
        }
    response["content"] = {"application/json": {"schema": schema}}
    return response
