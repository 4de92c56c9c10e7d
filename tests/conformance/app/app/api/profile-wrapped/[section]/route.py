from __future__ import annotations

from waypost import Context, Request, Response

from lib.with_auth import with_auth


@with_auth
async def GET(request: Request, context: Context) -> Response:
    return Response.json({"user": context.user, "params": await context.params})
