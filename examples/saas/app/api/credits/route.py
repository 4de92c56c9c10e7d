"""/api/credits: what the user has, and how that came to be."""

from __future__ import annotations

from waypost import Response

from lib.auth import with_auth
from lib.ledger import list_entries
from lib.schema import User
from lib.validation import Page


@with_auth
async def GET(query: Page, user: User) -> Response:
    """The balance and the entries, newest first: ?page=1&limit=20."""
    entries = await list_entries(query.page, query.limit, user.id)
    return Response.json({"credits": user.credits, "data": [entry.to_json() for entry in entries]})
