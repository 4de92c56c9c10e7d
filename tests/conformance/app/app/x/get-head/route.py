from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response.json({"ok": 1}, headers={"x-from": "GET"})


async def HEAD() -> Response:
    return Response(None, headers={"x-from": "HEAD", "x-len": "42"})
