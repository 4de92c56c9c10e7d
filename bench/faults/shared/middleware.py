"""Who asks, as the client says."""

from __future__ import annotations

from lib.user import USER

from waypost import Request


async def middleware(request: Request) -> None:
    USER.set(request.headers.get("x-user") or "nobody")
