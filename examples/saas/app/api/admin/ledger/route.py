"""/api/admin/ledger: every entry."""

from __future__ import annotations

from waypost import Request, Response

from lib.ledger import list_entries
from lib.validation import page_and_limit


async def GET(request: Request) -> Response:
    """One page of entries, newest first: ?page=1&limit=20."""
    page, limit = page_and_limit(request)
    return Response.json({"data": [entry.to_json() for entry in await list_entries(page, limit)]})
