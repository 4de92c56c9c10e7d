from __future__ import annotations

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response.json({"version": "1.0.0", "features": ["dark-mode", "notifications"]})
