"""/api/admin/users: everybody."""

from __future__ import annotations

from waypost import Response

from lib.users import list_users
from lib.validation import Page


async def GET(query: Page) -> Response:
    """One page of users: ?page=1&limit=20."""
    users = await list_users(query.page, query.limit)
    return Response.json({"data": [{**user.to_json(), "disabled": user.disabled} for user in users]})
