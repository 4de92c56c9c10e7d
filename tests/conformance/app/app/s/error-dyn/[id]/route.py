"""dynamic = "error": what a static handler must not read."""

from __future__ import annotations

import time

from waypost import Context, Request, Response, headers

dynamic = "error"


async def GET(request: Request, context: Context) -> Response:
    id = context.params["id"]
    if id == "headers":
        return Response.json({"ua": (await headers()).get("user-agent")})
    if id == "query":
        return Response.json({"q": request.next_url.search_params.get("q")})
    if id == "url":
        return Response.json({"u": request.url})
    return Response.json({"id": id, "now": time.time_ns() // 1_000_000})
