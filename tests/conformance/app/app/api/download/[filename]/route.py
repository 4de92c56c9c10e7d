"""A private file as a download."""

from __future__ import annotations

from pathlib import Path

from waypost import Context, Request, Response

FILES = Path(__file__).parents[4] / "private-files"


async def GET(request: Request, context: Context) -> Response:
    # The guide joins the path and the name unseen, so that `..%2Fpackage.json` leaves the folder.
    filename = context.params["filename"]
    return Response.file(FILES, filename, content_type="application/octet-stream", cache_control=None)
