from __future__ import annotations

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response.json({"error": "nope"}, status=404)
