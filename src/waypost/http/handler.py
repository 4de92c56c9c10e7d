"""The interfaces that cross the layers: Handler for servers, Next for middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from waypost.http.request import Request
from waypost.http.response import Response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Next(Protocol):
    """What follows a piece of middleware: `response = await next(request)`.

    Gives a Response for whatever is an answer, raised ones and redirect() included; a bug comes through as it is.
    """

    def __call__(self, request: Request | None = None, /) -> Awaitable[Response]: ...
