from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response.json({"reached": True})
