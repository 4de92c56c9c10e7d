"""/api/files/:id: download and delete. A file of somebody else is as missing as one that never was."""

from __future__ import annotations

from waypost import Response

from lib.auth import with_auth
from lib.files import UPLOADS, delete_file, get_file
from lib.schema import User


def not_found() -> Response:
    return Response.json({"error": "File not found"}, status=404)


@with_auth
async def GET(id: str, user: User) -> Response:
    file = await get_file(user, id)
    if file is None:
        return not_found()
    return Response.file(UPLOADS / file.id, filename=file.name, content_type=file.type)


@with_auth
async def DELETE(id: str, user: User) -> Response:
    if not await delete_file(user, id):
        return not_found()
    return Response(None, status=204)
