"""What wrappers of handlers are made of: `limiter(handler)`, `with_auth(handler)`.

A wrapper takes (request, context), whatever its handler takes; the handler is given as much as it takes, and a plain
one runs in a worker thread, as it would without a wrapper.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from waypost.app.binding import adapted, bind_outside, is_async
from waypost.app.chain import mark_wrapper, through_context
from waypost.app.context import Context
from waypost.app.operation import Additions
from waypost.app.result import to_response
from waypost.app.signature import CONTEXT_NAMES
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.http.response import Response

Inner: TypeAlias = Callable[[Request, Context], Awaitable[Response]]
Around: TypeAlias = Callable[[Request, Context, Inner], Awaitable[Response]]

_KINDS = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_SIGNATURE = inspect.Signature(
    [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("request", "context")]
)


def wrap(handler: Callable[..., Any], around: Around, additions: Additions | None = None) -> Callable[..., Any]:
    """A handler that runs `around(request, context, inner)`; `await inner(request, context)` runs `handler`.

    An argument of the handler that is neither request nor context is filled from the context, where a wrapper may
    have put it: `context.extend(user=user)` gives `user`. additions: what the wrapper says of the operation.
    """
    if not callable(handler):
        raise StartupError(f"a wrapper needs a function, not {type(handler).__name__} {handler!r:.60}")
    call = handler if is_async(handler) else adapted(handler)
    innermost = not hasattr(handler, "__wrapped__")
    outside = functools.cache(functools.partial(bind_outside, handler))
    passes_on, arguments = _arguments(handler)
    where = getattr(handler, "__name__", "the wrapped handler")

    async def inner(request: Request, context: Context) -> Response:
        bound = context._bound
        if innermost and (bound := bound or outside()) is not None:
            return to_response(await bound(request, context), where)
        if bound is not None and passes_on:  # what it wraps finds its arguments through the context
            return to_response(await call(request, context), where)
        given = [_value(name, request, context) for name in arguments]
        return to_response(await call(*given), where)

    @functools.wraps(handler)
    async def wrapper(request: Request, context: Context) -> Response:
        return await around(request, context, inner)

    # What the wrapper takes is not what the handler takes.
    wrapper.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
    mark_wrapper(wrapper, additions if additions is not None else Additions(names=None))
    return wrapper


def callee(handler: Callable[..., Any]) -> Callable[..., Any]:
    """What a wrapper that passes on whatever it gets calls in the place of `handler`; gives an awaitable.

    Such a wrapper is given to `mark_wrapper`.
    """
    call = handler if is_async(handler) else adapted(handler)
    if hasattr(handler, "__wrapped__"):
        return call
    return through_context(handler, call, functools.cache(functools.partial(bind_outside, handler)))


def _value(name: str, request: Request, context: Context) -> Any:
    if name == "request":
        return request
    return context if name == "context" else getattr(context, name)


def _arguments(handler: Callable[..., Any]) -> tuple[bool, list[str]]:
    """Whether it passes on whatever it gets; and what to pass, "request", "context", or a name in the context.

    What passes on whatever it gets is given what it wraps takes.
    """
    passes_on = False
    while True:
        try:
            parameters = list(inspect.signature(handler, follow_wrapped=False).parameters.values())
        except (TypeError, ValueError):
            return passes_on, ["request", "context"]
        if not any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            return passes_on, _names(parameters)
        wrapped = getattr(handler, "__wrapped__", None)
        if wrapped is None:
            return passes_on, ["request", "context"]
        passes_on, handler = True, wrapped


def _names(parameters: list[inspect.Parameter]) -> list[str]:
    names: list[str] = []
    for place, parameter in enumerate(item for item in parameters if item.kind in _KINDS):
        if parameter.name in CONTEXT_NAMES:
            names.append("context")
        elif parameter.name == "request" or (place == 0 and parameter.name in ("_", "_request", "req")):
            names.append("request")
        elif parameter.default is parameter.empty:
            names.append(parameter.name)
        else:
            break
    return names
