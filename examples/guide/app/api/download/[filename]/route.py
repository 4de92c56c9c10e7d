"""Guide: File Downloads."""

from __future__ import annotations

from waypost import Response

from lib.settings import PROJECT
from lib.with_auth import with_auth

PRIVATE_FILES = PROJECT / "private-files"


@with_auth
async def GET(filename: str) -> Response:
    # One name below the folder; what is not a plain file there is 404
    return Response.file(PRIVATE_FILES, filename)
