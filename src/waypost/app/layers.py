"""Layers: pieces of middleware folded around an endpoint, outermost first, once at start-up.

A layer in the first form, `middleware(request)`, decides before the endpoint: None or Response.next() goes on, any
other response is the answer. In the second form, `middleware(request, next)`, it calls what follows itself and may
change what comes back. Nothing here is made per request but the call.
Source: Next.js, Proxy (formerly Middleware).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from waypost.app.context import RequestScope, current_scope
from waypost.app.dispatch import settled
from waypost.app.entry import Endpoint
from waypost.app.failures import to_answer
from waypost.app.operation import Additions
from waypost.app.result import to_response
from waypost.app.way import check_fields, put_on, way_of
from waypost.errors import InvalidResponseError
from waypost.http.control import GO_ON, Control
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.undecided import NOTHING

Covers: TypeAlias = Callable[[Request, str], bool]
Ending: TypeAlias = tuple[Callable[[Request, Response], Response], Callable[[Request], None]]
Onward: TypeAlias = Callable[[Request, RequestScope], Awaitable[Any]]
Aim: TypeAlias = Callable[[Control, Request, RequestScope], None]
Finish: TypeAlias = Callable[[Response, Request, RequestScope], Response]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One function of middleware.

    call: async, takes (request), or (request, next) when it wraps. where: how messages call it.
    covers: whether it is for a request with this path; None for every request that comes by.
    ending: of one that wraps and only changes what comes back: what it makes of a response that belongs to the request
    alone, and what it does before a bug goes on its way. Used in place of `call`, which would be two coroutines more.
    additions: what it says of the operations that it stands in front of.
    """

    call: Callable[..., Any]
    wraps: bool
    where: str
    covers: Covers | None = None
    ending: Ending | None = None
    additions: Additions | None = None


class Outer(NamedTuple):
    """What a wrapper is, where it only changes what comes back: its handler, and the ending that it gives it.

    Stands on the wrapper as `__waypost_outer__`. wrapper: itself, because functools.wraps copies attributes to others.
    """

    wrapper: Callable[..., Any]
    handler: Callable[..., Any]
    ending: Ending


def unwrapped(handler: Callable[..., Any]) -> tuple[Callable[..., Any], list[Ending]]:
    """The handler inside of such wrappers, and their endings, the innermost first."""
    endings: list[Ending] = []
    while (outer := getattr(handler, "__waypost_outer__", None)) is not None and outer.wrapper is handler:
        endings.insert(0, outer.ending)
        handler = outer.handler
    return handler, endings


class Fold:
    """Folds layers around endpoints.

    aim: takes a rewrite over into the scope. reroute: finds the route again after one; None where what follows does.
    finish: has the last word on an answer that a layer gave.
    """

    __slots__ = ("aim", "finish", "reroute")

    def __init__(self, aim: Aim, reroute: Onward | None, finish: Finish | None = None) -> None:
        self.aim = aim
        self.reroute = reroute
        self.finish = finish

    def around(self, endpoint: Endpoint, layers: Sequence[Layer]) -> Endpoint:
        """`endpoint` behind `layers`, outermost first."""
        for index in range(len(layers) - 1, -1, -1):
            layer, lineage = layers[index], tuple(layers[: index + 1])
            if layer.ending is not None:
                run = ended(layer.ending, endpoint, self.finish)
            else:
                run = (self._wrapping if layer.wraps else self._deciding)(layer, endpoint, lineage)
            # Only what stands behind a route can be met twice; the pipeline sees to its own.
            endpoint = _skipping(layer, run, endpoint) if self.reroute is not None else run
        return endpoint

    def _deciding(self, layer: Layer, inner: Endpoint, lineage: tuple[Layer, ...]) -> Endpoint:
        call, finish = layer.call, self.finish

        async def decide(request: Request, scope: RequestScope) -> Any:
            value = await call(request)
            if scope.cookies is not None:
                _keep_cookies(scope)
            if value is None or (value.__class__ is Response and value._control is GO_ON and value._headers is None):
                return await inner(request, scope)
            if isinstance(value, Response) and value._control is not None:
                return await self._go_on(value, value._control, request, scope, inner, lineage)
            response = to_response(value, layer.where)
            return response if finish is None else finish(response, request, scope)

        return decide

    def _wrapping(self, layer: Layer, inner: Endpoint, lineage: tuple[Layer, ...]) -> Endpoint:
        call, finish = layer.call, self.finish

        async def following(request: Request | None = None) -> Response:
            """The `next` of this layer: one function for all requests."""
            scope = current_scope.get()
            if request is not None and request is not scope.request:
                raise TypeError(
                    "next() takes the request that the middleware was given; change its headers in place, "
                    "or return Response.next(request_headers=...) or Response.rewrite(...)"
                )
            if scope.cookies is not None:
                _keep_cookies(scope)
            try:
                value = await inner(scope.request, scope)
            except BaseException as error:
                # Redirects, not_found() and refusals are answers; a bug is the wrapper's to see.
                answer = to_answer(error, scope)
                if answer is None:
                    raise
                return answer
            # A copy, because the wrapper may change what the handler returns to every client.
            return settled(value, scope.request, scope).copy()

        async def wrap(request: Request, scope: RequestScope) -> Any:
            if scope.wrapped:
                value, undecided = await call(request, following), NOTHING
            else:
                # What is further in answers with the whole: until this returns, nobody knows what goes out.
                scope.wrapped, request.undecided = True, NOTHING
                value = await call(request, following)
                undecided = request.undecided or NOTHING
                scope.wrapped, request.undecided = False, None
            plain = finish is None and undecided is NOTHING
            if plain and value.__class__ is Response and value._status and value._control is None:
                return value
            if isinstance(value, Response) and value._control is not None:
                return await self._go_on(value, value._control, request, scope, inner, lineage)
            if value is None:
                raise InvalidResponseError(f"{layer.where} returned None: return what `await next(request)` gave")
            response = undecided.answer(request, to_response(value, layer.where))
            return response if finish is None else finish(response, request, scope)

        return wrap

    async def _go_on(
        self,
        response: Response,
        control: Control,
        request: Request,
        scope: RequestScope,
        inner: Endpoint,
        lineage: tuple[Layer, ...],
    ) -> Any:
        """Follow a Response.next() or Response.rewrite()."""
        if control.request_headers is not None:
            request.replace_headers(control.request_headers)
        if control.target is not None:
            self.aim(control, request, scope)
            if self.reroute is not None:
                way_of(scope).passed += lineage
                inner = self.reroute
        fields = response._headers
        if fields is None or not fields.raw:
            return await inner(request, scope)
        check_fields(fields, lineage[-1].where)
        try:
            value = await inner(request, scope)
        except BaseException:
            way_of(scope).keep_for_failure(fields)
            raise
        return put_on(settled(value, request, scope), fields)


def ended(ending: Ending, inner: Endpoint, finish: Finish | None = None) -> Endpoint:
    """`inner` with an ending: what comes back is changed, and a bug is announced before it goes on."""
    change, before_failure = ending

    async def run(request: Request, scope: RequestScope) -> Any:
        try:
            response = settled(await inner(request, scope), request, scope)
        except BaseException as error:
            answer = to_answer(error, scope)
            if answer is None:
                before_failure(request)
                raise
            response = answer
        response = change(request, response.copy())
        return response if finish is None else finish(response, request, scope)

    return run


def _skipping(layer: Layer, run: Endpoint, inner: Endpoint) -> Endpoint:
    """`run`, or `inner` for a request that the layer is not for or that it has already let pass."""
    covers = layer.covers
    if covers is None:

        def always(request: Request, scope: RequestScope) -> Awaitable[Any]:
            if scope.way is not None and layer in scope.way.passed:
                return inner(request, scope)
            return run(request, scope)

        return always

    def sometimes(request: Request, scope: RequestScope) -> Awaitable[Any]:
        if (scope.way is not None and layer in scope.way.passed) or not covers(request, scope.path):
            return inner(request, scope)
        return run(request, scope)

    return sometimes


def _keep_cookies(scope: RequestScope) -> None:
    """Remember what cookies() has collected so far: a handler that fails loses its own writes and no one else's."""
    store = scope.cookies
    if store is not None and store.changed:
        way_of(scope).cookies = store.copy()
