"""The functions that a handler is made of, from its outermost wrapper to what the project wrote itself.

Wrappers call what they wrap with (request, context), whatever that takes. Its own arguments are put together inside of
all wrappers, so that a body is read only when every guard has let the request pass. The way there is the context: the
one of a route whose handler takes arguments by name carries, for its class, what calls the handler.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from waypost.app.context import Context
from waypost.app.operation import Additions

_wrappers: WeakKeyDictionary[Callable[..., Any], Additions] = WeakKeyDictionary()


def mark_wrapper(wrapper: Callable[..., Any], additions: Additions | None = None) -> None:
    """Say that a function calls what it wraps through `callee`, and what it adds to the operation."""
    _wrappers[wrapper] = additions if additions is not None else Additions()


def functions_of(handler: Callable[..., Any]) -> list[Callable[..., Any]]:
    """The handler and what functools.wraps says it wraps, the innermost last."""
    found = [handler]
    while (inner := getattr(found[-1], "__wrapped__", None)) is not None and inner not in found:
        found.append(inner)
    return found


def additions_of(handler: Callable[..., Any]) -> tuple[Additions, ...]:
    """What its wrappers say of the operation, the outermost first."""
    return tuple(_wrappers[item] for item in functions_of(handler) if is_marked(item))


def names_added(functions: list[Callable[..., Any]]) -> frozenset[str] | None:
    """What the wrappers of a handler add to the context; None where one of them is the project's, and may add more.

    functions: as functions_of gives them.
    """
    found: frozenset[str] = frozenset()
    for wrapper in functions[:-1]:
        names = _wrappers[wrapper].names if is_marked(wrapper) else None
        if names is None:
            return None
        found |= names
    return found


def is_marked(function: Callable[..., Any]) -> bool:
    """Whether a function was given to mark_wrapper."""
    return isinstance(function, FunctionType) and function in _wrappers


def binds_inside(functions: list[Callable[..., Any]]) -> bool:
    """See to it that the innermost wrapper calls the innermost function through the context; False where it can't.

    A wrapper of the project's own holds the function in a closure, in which something that looks at the context takes
    its place: the only way to call it well that asks nothing of whoever wrote the wrapper.
    """
    wrapper, inner = functions[-2], functions[-1]
    if is_marked(wrapper):
        return True
    if not is_async(inner):
        return False  # the wrapper wants its value at once, and a body has to be waited for
    found = False
    for cell in getattr(wrapper, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:
            continue
        if content is inner:
            cell.cell_contents = _awaiting(inner)
            found = True
        elif getattr(content, "__waypost_calls__", None) is inner:
            found = True
    return found


def through_context(
    handler: Callable[..., Any], call: Callable[..., Any], outside: Callable[[], Any] = lambda: None
) -> Callable[..., Any]:
    """What calls `handler` as its route wants it when it is given (request, context), and `call` otherwise.

    outside: gives what takes the place of the route where there is none; None where that is `call`.
    """

    def run(*arguments: Any, **named: Any) -> Any:
        if len(arguments) == 2 and not named and isinstance(arguments[1], Context):
            bound = arguments[1]._bound or outside()
            if bound is not None:
                return bound(*arguments)
        return call(*arguments, **named)

    return run


def _awaiting(handler: Callable[..., Any]) -> Callable[..., Any]:
    call = through_context(handler, handler)

    @functools.wraps(handler)
    async def run(*arguments: Any, **named: Any) -> Any:
        return await call(*arguments, **named)

    run.__waypost_calls__ = handler  # type: ignore[attr-defined]  # functions may have any
    return run


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    target = handler
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.iscoroutinefunction(target):
        return True
    call = getattr(type(target), "__call__", None)  # noqa: B004  # what kind of function it is
    return not inspect.isroutine(target) and inspect.iscoroutinefunction(call)
