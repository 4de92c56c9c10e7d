"""What every answer below /api has in common."""

from __future__ import annotations

from waypost import Next, Request, Response


async def middleware(request: Request, next: Next) -> Response:
    """Where a route says nothing about caches, nobody outside keeps the answer, for a while of its own choice."""
    response = await next(request)
    if "cache-control" not in response.headers:
        response.headers.set("Cache-Control", "no-store")
    return response
