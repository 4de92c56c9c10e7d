from __future__ import annotations

import time

from waypost import Response

revalidate = 60


async def GET() -> Response:
    return Response.json({"now": time.time_ns() // 1_000_000})
