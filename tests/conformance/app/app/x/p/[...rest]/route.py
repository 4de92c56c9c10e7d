from __future__ import annotations

from waypost import Context, Request, Response


async def GET(request: Request, context: Context) -> Response:
    return Response.json({"route": "p/[...rest]", "params": await context.params})


async def DELETE(request: Request, context: Context) -> Response:
    return Response.json({"route": "p/[...rest] DELETE", "params": await context.params})
