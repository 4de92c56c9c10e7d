"""WEBSOCKET in a route file: how it is called, and who may call it.

It shares its path with GET, which a handshake is. Whether a request asks for a WebSocket is the server's to say; here
the handshake is judged, since only a route that has a WEBSOCKET must refuse a bad one.
Source: RFC 6455 sections 4.2 and 10.2.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from waypost.app.binding import adapted
from waypost.app.chain import binds_inside, functions_of, is_async, is_marked
from waypost.app.context import Context, Params, RequestScope
from waypost.app.conversation import Conversation
from waypost.app.entry import Endpoint
from waypost.app.failures import error_response
from waypost.app.signature import CONTEXT_NAMES, line_of, own_function
from waypost.errors import HTTPError, StartupError
from waypost.http.origin import is_own_origin
from waypost.http.origins import Origins
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.websocket import WebSocket, switching_protocols
from waypost.routing.exports import WEBSOCKET as VERB

log = logging.getLogger("waypost")

_FORM: Final = f"Write `async def {VERB}(socket)`, or `(socket, context)`; path segments are in context.params."

Call = Callable[[WebSocket], Coroutine[Any, Any, Any]]


def websocket_endpoint(
    handler: Callable[..., Any], file: Path, origins: Origins, *, patience: float, dev: bool
) -> Endpoint:
    """The endpoint of a WEBSOCKET handler, for requests that ask for one.

    origins: foreign ones whose pages may connect. patience: see Conversation. Raises StartupError for a handler that
    can't be called.
    """
    call = _bound(handler, file)
    where = f"{VERB} in {file}"

    async def converse(request: Request, scope: RequestScope) -> Response:
        link = request.upgrade
        assert link is not None, "the switch sends nobody here without one"
        refusal = link.refusal
        if refusal is not None:
            raise refusal
        _check_origin(request, origins, dev=dev)
        socket = WebSocket(link, request, Params(scope.params))
        return await Conversation(socket, link, scope, where, patience).begin(call(socket))

    return converse


def by_upgrade(plain: Endpoint | None, converse: Endpoint) -> Endpoint:
    """The GET of a route with a WEBSOCKET. plain: its own GET, None where it has none: the answer is 426 then."""

    def choose(request: Request, scope: RequestScope) -> Awaitable[Any]:
        if request.upgrade is not None:
            return converse(request, scope)
        return _upgrade_required() if plain is None else plain(request, scope)

    return choose


async def _upgrade_required() -> Response:
    return error_response(426, "This path is for WebSockets", {"upgrade": "websocket"})


def _bound(handler: Callable[..., Any], file: Path) -> Call:
    functions = functions_of(handler)
    names = _arguments(own_function(handler), file)
    if len(functions) > 1 and (names[:1] == ["request"] or any(map(is_marked, functions))):
        return _wrapped(handler, functions, file)
    if "request" in names:
        raise _wrong("takes a socket, not a request", handler, file, "The request is socket.request. " + _FORM)
    unknown = [name for name in names if name not in ("socket", "context")]
    if unknown:
        raise _wrong(f"can't be called: nothing provides its argument {unknown[0]!r}", handler, file)
    if not is_async(handler):
        raise _wrong("is not async", handler, file)
    if names == ["socket"]:
        return handler
    if names == ["socket", "context"]:
        return lambda socket: handler(socket, Context(socket.params))
    if names == ["context", "socket"]:
        return lambda socket: handler(Context(socket.params), socket)
    raise _wrong("takes no socket", handler, file)


def _wrapped(handler: Callable[..., Any], functions: list[Callable[..., Any]], file: Path) -> Call:
    """What calls wrappers of handlers, which take (request, context), around one that takes a socket.

    The socket goes through the context, as the arguments of other wrapped handlers do (app/chain.py), and the handler
    may take what the wrappers have put there.
    """
    inner = functions[-1]
    names = _arguments(inner, file)
    if not is_async(inner):
        raise _wrong("is not async", inner, file)
    if "socket" not in names or not binds_inside(functions):
        raise _wrong("takes no socket", inner, file)

    async def bound(request: Request, context: Context) -> Any:
        given = [context if name == "context" else getattr(context, name) for name in names]
        value = await inner(*given)
        return switching_protocols() if value is None else value  # wrappers want an answer

    kind = type("Context", (Context,), {"__slots__": (), "_bound": staticmethod(bound)})
    outer = handler if is_async(handler) else adapted(handler)
    return lambda socket: outer(socket.request, kind(socket.params).extend(socket=socket))


def _arguments(function: Callable[..., Any], file: Path) -> list[str]:
    """What to pass by position: "socket" for the first that is nothing else, "context", "request", or another name."""
    try:
        parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
    except (TypeError, ValueError):
        return ["socket", "context"]
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return [*names, *["socket", "context"][len(names) :]]
        known = parameter.name in CONTEXT_NAMES
        if parameter.kind is parameter.VAR_KEYWORD or (
            names and parameter.default is not parameter.empty and not known
        ):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise _wrong(f"can't be called: nothing provides its argument {parameter.name!r}", function, file)
        if known:
            names.append("context")
        elif parameter.name == "request" or "socket" in names:
            names.append(parameter.name)
        else:
            names.append("socket")
    return names


def _wrong(message: str, handler: Callable[..., Any], file: Path, remedy: str = _FORM) -> StartupError:
    return StartupError(f"{VERB} {message}", file=file, line=line_of(handler), remedy=remedy)


def _check_origin(request: Request, origins: Origins, *, dev: bool) -> None:
    """Refuse a page of another site: a browser sends our cookie with its handshake, and no CORS stands in between.

    A client that is no browser sends no Origin, and no cookie that it was not given.
    """
    found = request.headers.get_all("origin")
    if not found:
        return
    if len(found) == 1:
        origin = found[0]
        if is_own_origin(origin, request.scheme, request.host) or origin.lower() in origins:
            return
    if dev:
        log.warning("a WebSocket was refused: add its origin %.100r to websocket_origins to allow it", found[0])
    raise HTTPError("Origin not allowed", status=403)
