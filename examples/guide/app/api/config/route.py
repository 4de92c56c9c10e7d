"""Guide: Static vs. Dynamic Behavior."""

from __future__ import annotations

from waypost import Response

# Force static: the answer is made by `waypost build`, or by the first request, and kept
dynamic = "force-static"


async def GET() -> Response:
    return Response.json({"version": "1.0.0", "features": ["dark-mode", "notifications"]})
