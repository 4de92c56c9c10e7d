"""A wrapper that lets only signed-in users through and tells the handler who they are."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from waypost import Context, Request, Response

from lib.auth import get_auth_user

Handler = Callable[[Request, Context], Awaitable[Response]]


def with_auth(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def wrapper(request: Request, context: Context) -> Response:
        user = await get_auth_user()
        if user is None:
            return Response.json({"error": "Unauthorized"}, status=401)
        return await handler(request, context.extend(user=user))

    return wrapper
