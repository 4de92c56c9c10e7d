"""/api/config: what clients ask for once. Made when the project is built, or at the first request, and kept."""

from __future__ import annotations

from waypost import Response

from lib.schema import TITLE_LENGTH
from lib.validation import MAX_CONTENT_LENGTH, MAX_LIMIT

dynamic = "force-static"


async def GET() -> Response:
    return Response.json(
        {
            "version": "1.0.0",
            "limits": {"title": TITLE_LENGTH, "content": MAX_CONTENT_LENGTH, "postsPerPage": MAX_LIMIT},
        }
    )
