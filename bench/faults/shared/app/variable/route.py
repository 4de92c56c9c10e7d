"""A static answer that tries to show whose request it was made for, by a context variable."""

from __future__ import annotations

from lib.user import USER

from waypost import Response

dynamic = "force-static"


async def GET() -> Response:
    return Response(USER.get())
