from __future__ import annotations

import time

from waypost import Request, Response, cookies, headers

dynamic = "force-static"


async def GET(request: Request) -> Response:
    a = (await cookies()).get("a")
    fields = await headers()
    return Response.json(
        {
            "now": time.time_ns() // 1_000_000,
            "q": request.next_url.search_params.get("q"),
            "search": request.next_url.search,
            "url": request.url,
            "a": a.value if a else None,
            "ua": fields.get("user-agent"),
            "rua": request.headers.get("user-agent"),
            "rc": [{"name": cookie.name, "value": cookie.value} for cookie in request.cookies.get_all()],
        }
    )
