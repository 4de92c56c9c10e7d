from __future__ import annotations

import time

from waypost import Response

runtime = "edge"


async def GET() -> Response:
    return Response.json({"status": "healthy", "timestamp": time.time_ns() // 1_000_000})
