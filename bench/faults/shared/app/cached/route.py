"""Data of each user, kept under arguments and under what a function closes over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from waypost import Request, Response
from waypost.cache import cached


@cached
async def profile(user: str) -> str:
    return f"profile of {user}"


def closing(user: str) -> Callable[[], Awaitable[str]]:
    @cached
    async def inner() -> str:
        return f"closed over {user}"

    return inner


async def GET(request: Request) -> Response:
    user = request.headers.get("x-user") or ""
    return Response(f"{await profile(user)}, {await closing(user)()}")
