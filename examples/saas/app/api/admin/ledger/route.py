"""/api/admin/ledger: every entry."""

from __future__ import annotations

from waypost import Response

from lib.ledger import list_entries
from lib.validation import Page


async def GET(query: Page) -> Response:
    """One page of entries, newest first: ?page=1&limit=20."""
    return Response.json({"data": [entry.to_json() for entry in await list_entries(query.page, query.limit)]})
