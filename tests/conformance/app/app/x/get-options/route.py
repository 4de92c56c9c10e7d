from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response.json({"ok": 1})


async def OPTIONS() -> Response:
    return Response("custom options", status=200, headers={"Allow": "GET, X-CUSTOM", "x-custom": "1"})
