"""Guide: Use the Edge Runtime When It Fits."""

from __future__ import annotations

import time

from waypost import Response

runtime = "edge"


async def GET() -> Response:
    return Response.json({"status": "healthy", "timestamp": int(time.time() * 1000)})
