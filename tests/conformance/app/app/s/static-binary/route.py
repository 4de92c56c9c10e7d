from __future__ import annotations

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response(bytes([0, 255, 1, 254]), headers={"content-type": "application/octet-stream"})
