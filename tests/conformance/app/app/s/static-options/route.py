from __future__ import annotations

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response.json({"ok": 1})


async def OPTIONS() -> Response:
    return Response(None, status=204, headers={"x-from": "OPTIONS"})
