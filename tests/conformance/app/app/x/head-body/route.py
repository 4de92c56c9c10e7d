from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response("0123456789", headers={"content-length": "10", "content-type": "text/plain", "x-from": "GET"})
