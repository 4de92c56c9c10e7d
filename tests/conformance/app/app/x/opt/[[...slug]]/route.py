from __future__ import annotations

from waypost import Context, Request, Response


async def GET(request: Request, context: Context) -> Response:
    params = await context.params
    return Response.json(
        {"route": "[[...slug]]", "params": params, "keys": list(params), "pathname": request.next_url.pathname}
    )
