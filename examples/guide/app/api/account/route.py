"""Guide: Reusable Higher-Order Handler. (The guide has it at /api/profile too.)"""

from __future__ import annotations

from waypost import Request, Response

from lib.auth import User
from lib.with_auth import with_auth


@with_auth
async def GET(request: Request, user: User) -> Response:
    return Response.json({"user": user})
