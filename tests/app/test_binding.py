"""How a handler is called: with what it takes, whatever wraps it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from waypost.app.binding import bind
from waypost.app.context import Context, RequestScope
from waypost.http.request import Request

Handler = Callable[..., Any]


def call(handler: Handler) -> Any:
    scope = RequestScope(Request("http://testserver/"), "/")
    scope.params = {"id": "7"}
    endpoint = bind(handler, "GET", Path("route.py"))

    async def main() -> Any:
        return await endpoint(scope.request, scope)

    return asyncio.run(main())


def with_user(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(request: Request, context: Context) -> Any:
        return await handler(request, context.extend(user="Ada"))

    return wrapper


def without_arguments(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(request: Request, context: Context) -> Any:
        return await handler()

    return wrapper


def passing_on(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    return wrapper


def plain(handler: Handler) -> Handler:
    @functools.wraps(handler)
    def wrapper(request: Request, context: Context) -> Awaitable[Any]:
        return handler(request)  # type: ignore[no-any-return]  # awaitable, as the handlers below are

    return wrapper


async def nothing() -> Any:
    return "nothing"


async def request_only(request: Request) -> Any:
    return request.method


async def both(request: Request, context: Context) -> tuple[str, Any]:
    return context.params["id"], getattr(context, "user", None)


# name → handler, result. The names are written out: those of functions hold addresses, which differ by process.
CALLED: dict[str, tuple[Handler, Any]] = {
    "nothing": (nothing, "nothing"),
    "request": (request_only, "GET"),
    "request and context": (both, ("7", None)),
    "a wrapper that adds": (with_user(both), ("7", "Ada")),
    "a wrapper that keeps all": (without_arguments(nothing), "nothing"),
    "nothing, passed on": (passing_on(nothing), "nothing"),
    "request, passed on": (passing_on(request_only), "GET"),
    "a wrapper that adds, passed on": (passing_on(with_user(both)), ("7", "Ada")),
    "a wrapper that keeps all, passed on": (passing_on(without_arguments(nothing)), "nothing"),
    "a plain wrapper": (plain(request_only), "GET"),
    "lru_cache": (functools.lru_cache(lambda request: request.method), "GET"),
    "partial": (functools.partial(lambda word, request: word + request.method, "a "), "a GET"),
}


@pytest.mark.parametrize("name", CALLED)
def test_a_handler_gets_what_its_outermost_function_takes(name: str) -> None:
    handler, result = CALLED[name]
    assert call(handler) == result
