from __future__ import annotations

from waypost import Context, Request, Response


async def GET(request: Request, context: Context) -> Response:
    return Response.json({"route": "[id]", "params": await context.params, "pathname": request.next_url.pathname})
