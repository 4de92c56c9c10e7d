"""Guide: Inline Auth Check."""

from __future__ import annotations

from waypost import Response

from lib.auth import get_auth_user


async def GET() -> Response:
    user = await get_auth_user()
    if not user:
        return Response.json({"error": "Unauthorized"}, status=401)
    return Response.json({"user": user}, headers={"Cache-Control": "private, no-store"})
