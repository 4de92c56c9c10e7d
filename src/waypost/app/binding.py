"""A user's handler → an endpoint `(request, scope) → awaitable`, decided once at start-up.

A handler that names no argument is called as handler(request, context), or with fewer arguments. One that does, or
that says what it returns, gets a coroutine of its own (app/bound.py).
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from waypost.app.chain import additions_of, binds_inside, functions_of, is_async, names_added
from waypost.app.context import Context, RequestScope
from waypost.app.entry import Endpoint
from waypost.app.operation import Operation, Parameter, ResponseSchema
from waypost.app.returns import Returns, read_returns, responder
from waypost.app.signature import CONTEXT_NAMES, EMPTY, Argument, SignatureReader, line_of, own_function
from waypost.errors import StartupError, StartupErrors
from waypost.http.request import Request
from waypost.routing.pattern import DYNAMIC, Segment

if TYPE_CHECKING:
    from waypost.app.arguments import Plan

__all__ = ["Place", "adapted", "bind", "bind_operation", "bind_outside", "is_async", "line_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a handler stands. segments: of the path. typed_return: its return annotation is a schema."""

    file: Path
    pattern: str = ""
    segments: Sequence[Segment] = ()
    responses: Mapping[int, ResponseSchema] = field(default_factory=dict)
    dev: bool = False
    typed_return: bool = True


def bind(handler: Callable[..., Any], verb: str, file: Path) -> Endpoint:
    """Make the endpoint of `handler` outside of a project. Raises StartupError for one that can't be called."""
    return bind_operation(handler, verb, Place(file))[0]


def bind_operation(handler: Callable[..., Any], verb: str, place: Place) -> tuple[Endpoint, Operation]:
    """Make the endpoint of `handler`, and the description of what it takes and gives.

    Raises StartupError, or StartupErrors with all that is wrong with its signature.
    """
    functions = functions_of(handler)
    inner = functions[-1]
    added = names_added(functions)
    reader = SignatureReader(inner, verb, place.file, place.segments, wrapped=len(functions) > 1, added=added)
    arguments = reader.arguments()
    plans = _plans(reader, arguments) if arguments is not None else None
    returns = read_returns(reader, place.responses) if place.typed_return else Returns(responses=place.responses)
    if reader.errors:
        raise reader.errors[0] if len(reader.errors) == 1 else StartupErrors(reader.errors)
    respond = responder(returns, f"{verb} in {place.file}", dev=place.dev)
    operation = _operation(functions, verb, place, plans or [], returns)
    name = f"{verb} {place.pattern}".rstrip()
    if len(functions) == 1:
        if plans is not None:
            from waypost.app.bound import write_endpoint

            call = inner if is_async(inner) else adapted(inner)
            return write_endpoint(call, plans, respond, name, inside=False), operation
        endpoint = _by_position(inner, verb, place.file)
        return (endpoint if respond is None else _responding(endpoint, respond)), operation
    if plans is None and respond is None:
        return _by_position(handler, verb, place.file), operation
    if binds_inside(functions):
        return _wrapped(handler, inner, plans, respond, verb, place, name), operation
    if plans is None:
        assert respond is not None  # or there was nothing to bind
        return _responding(_by_position(handler, verb, place.file), respond), operation
    raise StartupError(
        f"{verb} can't be called: what wraps it hides it, so that its arguments can't be given by name",
        file=place.file,
        line=line_of(inner),
        remedy="Write the wrapper as a function around `await handler(request, context)` and the handler with "
        "`async def`, or take (request, context).",
    )


def _plans(reader: SignatureReader, arguments: list[Argument]) -> list[Plan]:
    from waypost.app.arguments import Planner  # a project without typed arguments starts without all this

    return Planner(reader).plans(arguments)


def bind_outside(handler: Callable[..., Any]) -> Callable[..., Any] | None:
    """What calls a wrapped handler with (request, context) where no route has bound it, as in a unit test.

    None for a handler without arguments by name. A name that is none of the usual ones is looked for in the context,
    then among the parameters of the path. Raises StartupError as bind does.
    """
    reader = SignatureReader(handler, getattr(handler, "__name__", "the handler"), Path(), None, wrapped=True)
    arguments = reader.arguments()
    if arguments is None:
        return None
    from waypost.app.bound import write_endpoint

    plans = _plans(reader, arguments)
    if reader.errors:
        raise StartupErrors(reader.errors)
    call = handler if is_async(handler) else adapted(handler)
    return write_endpoint(call, plans, None, reader.verb, inside=True)


def _wrapped(
    handler: Callable[..., Any],
    inner: Callable[..., Any],
    plans: list[Plan] | None,
    respond: Callable[[Any], Any] | None,
    verb: str,
    place: Place,
    name: str,
) -> Endpoint:
    """The endpoint of wrappers around a handler whose arguments are made inside of them; see app/chain.py."""
    from waypost.app.arguments import Plan
    from waypost.app.bound import write_endpoint

    call = inner if is_async(inner) else adapted(inner)
    if plans is None:
        sources = _positions(inner, verb, place.file)
        plans = [Plan(Argument(source, source, EMPTY, EMPTY, False), source) for source in sources]
    bound = write_endpoint(call, plans, respond, name, inside=True)
    kind = type("Context", (Context,), {"__slots__": (), "_bound": staticmethod(bound)})
    outer = handler if is_async(handler) else adapted(handler)
    takes = own_function(handler)
    # Wrappers that pass on whatever they get are to pass on what the innermost of them needs.
    wants = ("request", "context") if takes is inner else _positions(takes, verb, place.file)
    if wants == ("request", "context"):
        return lambda request, scope: outer(request, kind(scope.params))
    if wants == ("context", "request"):
        return lambda request, scope: outer(kind(scope.params), request)
    if wants == ("context",):
        return lambda request, scope: outer(kind(scope.params))
    raise StartupError(
        f"{verb} can't be called: what wraps it takes no context, through which its arguments come",
        file=place.file,
        line=line_of(handler),
        remedy="Let the wrapper take (request, context) and pass both on.",
    )


def _by_position(handler: Callable[..., Any], verb: str, file: Path) -> Endpoint:
    """The endpoint of a handler that is called as handler(request, context), with fewer arguments if it takes fewer."""
    wants = _positions(own_function(handler), verb, file)
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


def _responding(endpoint: Endpoint, respond: Callable[[Any], Any]) -> Endpoint:
    async def run(request: Request, scope: RequestScope) -> Any:
        return respond(await endpoint(request, scope))

    return run


def _positions(handler: Callable[..., Any], verb: str, file: Path) -> tuple[Literal["request", "context"], ...]:
    """What to pass by position; an argument named `context` or `ctx` gets the context wherever it stands."""
    try:
        parameters = inspect.signature(handler, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return ("request", "context")  # a built-in or C callable: the full call is the contract
    wants: list[Literal["request", "context"]] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return ("request", "context")
        by_position = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        known = parameter.name in ("request", *CONTEXT_NAMES)
        if by_position and len(wants) < 2 and (known or parameter.default is parameter.empty):
            wants.append("context" if parameter.name in CONTEXT_NAMES or "request" in wants else "request")
            continue
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            raise StartupError(
                f"{verb} can't be called: nothing provides its argument {parameter.name!r}",
                file=file,
                line=line_of(handler),
                remedy=f"Write `async def {verb}(request, context)`; path segments are in context.params.",
            )
    return tuple(wants)


def _operation(
    functions: list[Callable[..., Any]], verb: str, place: Place, plans: Sequence[Plan], returns: Returns
) -> Operation:
    """The description of a handler. functions: as functions_of gives them."""
    inner = functions[-1]
    parameters = [parameter for plan in plans for parameter in plan.parameters]
    taken = {parameter.name for parameter in parameters if parameter.place == "path"}
    parameters += [
        Parameter(
            segment.name,
            "path",
            None,
            required=segment.kind != "optional-catch-all",
            catch_all=segment.kind != "param",
        )
        for segment in place.segments
        if segment.kind in DYNAMIC and segment.name not in taken
    ]
    summary, _, description = _documentation(inner).partition("\n")
    return Operation(
        place.pattern,
        verb,
        inner,
        place.file,
        line_of(inner),
        tuple(parameters),
        next((plan.body for plan in plans if plan.body is not None), None),
        returns.responses,
        summary.strip(),
        description.strip(),
        additions_of(functions[0]),
    )


def _documentation(function: Callable[..., Any]) -> str:
    # Of an object with __call__ it would be that of its class.
    return (inspect.getdoc(function) if inspect.isroutine(function) else None) or ""


def adapted(handler: Callable[..., Any]) -> Callable[..., Any]:
    """An async callable for a plain one.

    A plain decorator around an async handler (told by functools.wraps) runs on the loop, where its handler runs; any
    other plain function may block, and runs in a worker thread.
    """
    if is_async(inspect.unwrap(handler)):

        async def call(*arguments: Any, **named: Any) -> Any:
            value = handler(*arguments, **named)
            return await value if inspect.isawaitable(value) else value

        return call

    async def run(*arguments: Any, **named: Any) -> Any:
        # The thread sees the request through its own copy of the context; what it sets there ends with it.
        work = partial(contextvars.copy_context().run, _guarded, handler, *arguments, **named)
        value = await asyncio.get_running_loop().run_in_executor(None, work)
        return await value if inspect.isawaitable(value) else value

    return run


def _guarded(handler: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return handler(*arguments, **named)
    except StopIteration as error:
        # A future can't hold a StopIteration: the request would wait for ever.
        raise RuntimeError("the handler raised StopIteration") from error
