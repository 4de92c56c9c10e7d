"""/api/admin/users: everybody."""

from __future__ import annotations

from waypost import Request, Response

from lib.users import list_users
from lib.validation import page_and_limit


async def GET(request: Request) -> Response:
    """One page of users: ?page=1&limit=20."""
    page, limit = page_and_limit(request)
    users = await list_users(page, limit)
    return Response.json({"data": [{**user.to_json(), "disabled": user.disabled} for user in users]})
