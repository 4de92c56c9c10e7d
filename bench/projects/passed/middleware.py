"""Stands in front of other paths than the one that is asked for."""

from waypost import Request, Response

config = {"matcher": "/admin/:path*"}


async def middleware(request: Request) -> Response:
    return Response.json({"error": "Unauthorized"}, 401)
