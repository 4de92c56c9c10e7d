from __future__ import annotations

import time

from waypost import Response, connection


async def GET() -> Response:
    await connection()
    return Response.json({"now": time.time_ns() // 1_000_000})
