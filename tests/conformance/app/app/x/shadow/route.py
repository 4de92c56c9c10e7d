"""Never reached: public/x/shadow comes first."""

from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    return Response("route wins")
