from __future__ import annotations

from waypost import Next, Request, Response

config = {"matcher": "/api/:path*"}


async def middleware(request: Request, next: Next) -> Response:
    response = await next(request)
    response.headers.set("X-Path", request.next_url.pathname)
    return response
