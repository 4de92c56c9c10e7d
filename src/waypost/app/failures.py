"""An exception → a Response. The only place where that happens.

The client learns what is its own fault and nothing else: a bug is 500 with an id that stands in the log beside the
traceback. In development the traceback is shown.
"""

from __future__ import annotations

import logging
from codecs import getencoder
from pathlib import Path
from typing import Final

from waypost.app.context import RequestScope
from waypost.app.instrumentation import Instrumentation
from waypost.app.result import to_response
from waypost.app.way import put_on
from waypost.errors import (
    BodyTooLarge,
    ClientDisconnected,
    HTTPError,
    Interrupt,
    InvalidJSON,
    InvalidResponseError,
    StartupError,
    UnsupportedMediaType,
    ValidationFailed,
)
from waypost.http.host import split_host
from waypost.http.request import Request
from waypost.http.request_id import RequestIds
from waypost.http.response import Response

log = logging.getLogger("waypost")

_ids = RequestIds()
_unicode_escape = getencoder("unicode_escape")  # loaded now: once descriptors have run out, it can't be

_NOT_SENT = ("Response.error()", "Response.next() or Response.rewrite()")
_INTERRUPT_MESSAGES = {401: "Unauthorized", 403: "Forbidden", 404: "Not found"}
NO_STORE = "no-store"
# What a client did wrong, as the code that a conversation is closed with (RFC 6455 section 7.4.1).
_CLOSE_CODES: Final[tuple[tuple[type[HTTPError], int], ...]] = (
    (UnsupportedMediaType, 1003),
    (InvalidJSON, 1007),
    (BodyTooLarge, 1009),
)


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """The JSON body that every error of the framework has."""
    return Response.json({"error": message}, status, headers)


def to_failure(
    error: BaseException,
    request: Request,
    scope: RequestScope,
    instrumentation: Instrumentation,
    shown: Path | None,
) -> Response:
    """The answer to an exception that left a handler. Control flow is answered, not logged.

    shown: the folder of the project in development, where the traceback is shown; None otherwise.
    """
    try:
        answer = to_answer(error, scope)
    except Exception as failure:  # the project's own function that shapes answers
        answer, error = None, failure
    if answer is not None:
        return answer
    error = _unwrap(error)
    scope.drop_cookies()
    if isinstance(error, ClientDisconnected):
        return _with_pending(error_response(400, "The request is incomplete"), scope)
    if isinstance(error, Response):
        error = InvalidResponseError(f"{_NOT_SENT[error._control is not None]} was raised, which can't be sent")
    return _with_pending(_bug(error, request, scope, instrumentation, shown), scope)


def to_answer(error: BaseException, scope: RequestScope) -> Response | None:
    """The answer to an exception that means one: a raised Response, redirect() and its kin, an HTTPError.

    None for every other exception, which is a bug or the client's leaving.
    """
    error = _unwrap(error)
    if isinstance(error, Response):
        if not error._status or error._control is not None:
            return None
        # Kept on the object, the traceback would hold this request's frames as long as the response lives.
        return _with_pending(error.with_traceback(None), scope)
    if isinstance(error, Interrupt):
        return _with_pending(_interrupted(error, scope), scope)
    if isinstance(error, HTTPError):
        if isinstance(error, ValidationFailed) and (shaped := _shaped(error, scope)) is not None:
            return shaped
        scope.drop_cookies()  # what a failed handler wanted to set is not set
        return _with_pending(Response.json(error.body(), error.status, error.headers), scope)
    return None


def _shaped(error: ValidationFailed, scope: RequestScope) -> Response | None:
    """What the project's `validation_error` makes of a failed validation; None where it has none, or lets it be."""
    hook = scope.entry.validation_error if scope.entry is not None else None
    if hook is None:
        return None
    value = hook(error, scope.request)
    if value is None:
        return None
    scope.drop_cookies()
    response = to_response(value, "validation_error")
    if value is not response:
        response = Response.json(value, error.status)
    return _with_pending(response, scope)


def to_close(error: BaseException, scope: RequestScope) -> tuple[int, str]:
    """Code and reason of the end of a conversation whose handler raised. A bug is 1011 with the id of its log line."""
    error = _unwrap(error)
    if isinstance(error, HTTPError):
        busy = 1013 if error.status >= 500 else 1008
        return next((code for kind, code in _CLOSE_CODES if isinstance(error, kind)), busy), error.message
    if isinstance(error, Interrupt):
        return 1008, _INTERRUPT_MESSAGES.get(error.status, "")
    if isinstance(error, Response) and error._status and error._control is None:
        return 1008, ""
    instrumentation = None if scope.services is None else scope.services.instrumentation
    error_id = _report(error, scope.request, scope, instrumentation)
    return 1011, f"Internal server error, id {error_id}"


def status_of(error: BaseException) -> int:
    """The status that the answer to an exception has."""
    error = _unwrap(error)
    if isinstance(error, Response | Interrupt | HTTPError):
        return error.status
    return 400 if isinstance(error, ClientDisconnected) else 500


def _with_pending(response: Response, scope: RequestScope) -> Response:
    """The headers that middleware and settings have for the answer, whoever makes it."""
    way = scope.way
    if way is None:
        return response
    if way.configured is not None:
        response, way.configured = put_on(response, way.configured), None
    if way.failed is not None:
        response, way.failed = put_on(response, way.failed), None
    return response


def _unwrap(error: BaseException) -> BaseException:
    """Control flow raised in a TaskGroup comes wrapped in a group."""
    while isinstance(error, BaseExceptionGroup):
        inner = [e for e in error.exceptions if isinstance(e, Interrupt | Response | HTTPError | BaseExceptionGroup)]
        if not inner:
            break
        error = inner[0]
    return error


def _interrupted(error: Interrupt, scope: RequestScope) -> Response:
    if error.location is not None:
        return Response(None, error.status, {"location": error.location})
    scope.drop_cookies()
    return error_response(error.status, _INTERRUPT_MESSAGES[error.status])


def _bug(
    error: BaseException,
    request: Request,
    scope: RequestScope,
    instrumentation: Instrumentation,
    shown: Path | None,
) -> Response:
    error_id = _report(error, request, scope, instrumentation)
    # A page on another site that resolves to this machine must not read our source (DNS rebinding).
    if shown is not None and is_loopback(request):
        from waypost.app.error_page import render_bug  # production has no use for it, and it loads `html` and `ast`

        pattern = scope.entry.pattern if scope.entry is not None else "no route"
        return render_bug(error, request, pattern, error_id, shown, as_page=wants_html(request))
    return Response.json({"error": "Internal server error", "id": error_id}, 500)


def _report(
    error: BaseException, request: Request, scope: RequestScope, instrumentation: Instrumentation | None
) -> str:
    """Log a bug and tell the project of it. Gives the id by which the log is searched."""
    error_id = request.id or _ids.new()
    route = scope.entry.pattern if scope.entry is not None else None
    pattern = route or "no route"
    trace = (type(error), error, error.__traceback__)
    if isinstance(error, StartupError):
        # The whole of it was reported when the project was loaded.
        told = str(error).partition("\n")[0]
        log.error("%s %s (%s) [%s]: %s", request.method, _printable(request.path), pattern, error_id, told)
    else:
        log.error("%s %s (%s) [%s]", request.method, _printable(request.path), pattern, error_id, exc_info=trace)
    if instrumentation is not None:
        instrumentation.report(error, request, route, error_id)
    return error_id


def is_loopback(request: Request) -> bool:
    """Whether the client asked for this machine by a name that no site of others can have."""
    hostname = split_host(request.host)[0].lower()
    return (
        hostname == "localhost"
        or hostname.endswith(".localhost")
        or hostname in ("127.0.0.1", "[::1]", "::1", "testserver")
    )


def wants_html(request: Request) -> bool:
    """Whether the client is a browser that asks for a page."""
    return "text/html" in (request.headers.get("accept") or "").lower()


def _printable(path: str) -> str:
    """A path for a log line: control characters escaped, so that a request can't write lines of its own."""
    return _unicode_escape(path[:500])[0].decode("ascii")


def unknown_path(request: Request) -> Response:
    """404 for a path that nothing answers: a small page for a browser, JSON for everyone else."""
    headers = {"cache-control": NO_STORE, "vary": "Accept"}
    if wants_html(request):
        headers["content-type"] = "text/html; charset=utf-8"
        return Response(_NOT_FOUND_PAGE, 404, headers)
    return error_response(404, "Not found", headers)


_NOT_FOUND_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>404: not found</title>
<style>body{font:16px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;
color:#222;background:#fff}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}</style>
<main><h1>404</h1><p>There is nothing at this address.</p></main></html>
"""
