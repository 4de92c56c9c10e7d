from __future__ import annotations

from waypost import Next, Request, Response


async def middleware(request: Request, next: Next) -> Response:
    response = next(request)
    response.headers.set("X-Path", request.next_url.pathname)  # planted: next() is not awaited
    return response  # planted: the same
