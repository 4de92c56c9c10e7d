"""A user's handler → an endpoint `(request, scope) → awaitable`, decided once at start-up.

Signatures are read here and nowhere else, so that a request pays for no inspection.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from waypost.app.context import Context
from waypost.app.entry import Endpoint
from waypost.errors import StartupError

_CONTEXT_NAMES = ("context", "ctx")


def bind(handler: Callable[..., Any], verb: str, file: Path) -> Endpoint:
    """Make the endpoint of `handler`.

    It is called as handler(request, context), with fewer arguments if it takes fewer; an argument named `context` or
    `ctx` gets the context wherever it stands. A plain function runs in a worker thread.
    Raises StartupError for a signature that can't be called so.
    """
    wants = _arguments(handler, verb, file)
    if not is_async(handler):
        handler = adapted(handler)
    if wants == ("request",):
        return lambda request, scope: handler(request)
    if wants == ("request", "context"):
        return lambda request, scope: handler(request, Context(scope.params))
    if wants == ():
        return lambda request, scope: handler()
    if wants == ("context",):
        return lambda request, scope: handler(Context(scope.params))
    return lambda request, scope: handler(Context(scope.params), request)


def _arguments(handler: Callable[..., Any], verb: str, file: Path) -> tuple[str, ...]:
    """What to pass by position: a sequence of "request" and "context"."""
    try:
        signature = _signature(handler)
    except (TypeError, ValueError):
        return ("request", "context")  # a built-in or C callable: the full call is the contract
    wants: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return ("request", "context")
        by_position = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        known = parameter.name in ("request", *_CONTEXT_NAMES)
        if by_position and len(wants) < 2 and (known or parameter.default is parameter.empty):
            wants.append("context" if parameter.name in _CONTEXT_NAMES or "request" in wants else "request")
            continue
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            raise StartupError(
                f"{verb} can't be called: nothing provides its argument {parameter.name!r}",
                file=file,
                line=line_of(handler),
                remedy=f"Write `async def {verb}(request, context)`; path segments are in context.params.",
            )
    return tuple(wants)


def _signature(handler: Callable[..., Any]) -> inspect.Signature:
    """The signature by which `handler` is really called; ValueError or TypeError when it has none.

    functools.wraps lends a wrapper the signature of what it wraps. The wrapper's own counts: one that takes
    (request, context) and calls `handler()` must be given both. Only a wrapper that passes on whatever it gets
    (`*args`) takes what the wrapped function takes.
    """
    while True:
        wrapped = getattr(handler, "__wrapped__", None)
        try:
            signature = inspect.signature(handler, follow_wrapped=False)
        except (TypeError, ValueError):
            if wrapped is None:
                raise
        else:
            passes_on = any(item.kind is item.VAR_POSITIONAL for item in signature.parameters.values())
            if wrapped is None or not passes_on:
                return signature
        handler = wrapped


def line_of(handler: Callable[..., Any]) -> int | None:
    """The line on which a function is defined, if it says so."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    return code.co_firstlineno if code is not None else None


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    target = handler
    while isinstance(target, partial):
        target = target.func
    if inspect.iscoroutinefunction(target):
        return True
    call = getattr(type(target), "__call__", None)  # noqa: B004  # what kind of function it is
    return not inspect.isroutine(target) and inspect.iscoroutinefunction(call)


def adapted(handler: Callable[..., Any]) -> Callable[..., Any]:
    """An async callable for a plain one.

    A plain decorator around an async handler (told by functools.wraps) runs on the loop, where its handler runs; any
    other plain function may block, and runs in a worker thread.
    """
    if is_async(inspect.unwrap(handler)):

        async def call(*arguments: Any) -> Any:
            value = handler(*arguments)
            return await value if inspect.isawaitable(value) else value

        return call

    async def run(*arguments: Any) -> Any:
        # The thread sees the request through its own copy of the context; what it sets there ends with it.
        work = partial(contextvars.copy_context().run, _guarded, handler, *arguments)
        value = await asyncio.get_running_loop().run_in_executor(None, work)
        return await value if inspect.isawaitable(value) else value

    return run


def _guarded(handler: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return handler(*arguments)
    except StopIteration as error:
        # A future can't hold a StopIteration: the request would wait for ever.
        raise RuntimeError("the handler raised StopIteration") from error
