from __future__ import annotations

import time

from waypost import Context, Request, Response

dynamic = "force-static"


async def GET(request: Request, context: Context) -> Response:
    return Response.json({"params": await context.params, "now": time.time_ns() // 1_000_000})
