"""A static answer that reads a header though it may not."""

from __future__ import annotations

from waypost import Request, Response

revalidate = 60


async def GET(request: Request) -> Response:
    return Response(request.headers.get("x-user") or "")
