from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response.json({"ok": 1}, headers={"x-both": "handler", "x-handler": "yes", "vary": "Accept-Language"})
