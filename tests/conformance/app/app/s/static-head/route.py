from __future__ import annotations

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response.json({"ok": 1})


async def HEAD() -> Response:
    return Response(None, headers={"x-from": "HEAD"})
