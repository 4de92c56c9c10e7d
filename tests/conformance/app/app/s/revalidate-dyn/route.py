"""A time to live, and a query that makes the answer dynamic all the same."""

from __future__ import annotations

import time

from waypost import Request, Response

revalidate = 60


async def GET(request: Request) -> Response:
    return Response.json({"now": time.time_ns() // 1_000_000, "q": request.next_url.search_params.get("q")})
