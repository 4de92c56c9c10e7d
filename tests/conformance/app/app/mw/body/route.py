from __future__ import annotations

from waypost import Request, Response


async def POST(request: Request) -> Response:
    return Response.json({"body": await request.text(), "seen": request.headers.get("x-mw-body")})
