from __future__ import annotations

from waypost import Response

from lib.auth import get_auth_user


async def GET() -> Response:
    user = await get_auth_user()
    if user is None:
        return Response.json({"error": "Unauthorized"}, status=401)
    return Response.json({"user": user})
