"""What other routes wrote with `push`."""

from __future__ import annotations

from waypost import Request, Response

from lib.state import log


async def GET(request: Request) -> Response:
    return Response.json({"log": log(request.next_url.search_params.get("key") or "")})
