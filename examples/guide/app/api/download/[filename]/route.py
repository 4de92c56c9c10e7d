"""Guide: File Downloads."""

from __future__ import annotations

from waypost import Context, Request, Response

from lib.settings import PROJECT
from lib.with_auth import with_auth

PRIVATE_FILES = PROJECT / "private-files"


@with_auth
async def GET(request: Request, context: Context) -> Response:
    filename = context.params["filename"]
    # One name below the folder; what is not a plain file there is 404
    return Response.file(PRIVATE_FILES, filename)
