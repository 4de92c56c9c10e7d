"""/api/credits: what the user has, and how that came to be."""

from __future__ import annotations

from waypost import Request, Response

from lib.auth import with_auth
from lib.ledger import list_entries
from lib.schema import User
from lib.validation import page_and_limit


@with_auth
async def GET(request: Request, user: User) -> Response:
    """The balance and the entries, newest first: ?page=1&limit=20."""
    page, limit = page_and_limit(request)
    entries = await list_entries(page, limit, user.id)
    return Response.json({"credits": user.credits, "data": [entry.to_json() for entry in entries]})
