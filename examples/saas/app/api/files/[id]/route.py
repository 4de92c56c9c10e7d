"""/api/files/:id: download and delete. A file of somebody else is as missing as one that never was."""

from __future__ import annotations

from waypost import Context, Response

from lib.auth import with_auth
from lib.files import UPLOADS, delete_file, get_file
from lib.schema import User


def not_found() -> Response:
    return Response.json({"error": "File not found"}, status=404)


@with_auth
async def GET(context: Context, user: User) -> Response:
    file = await get_file(user, context.params["id"])
    if file is None:
        return not_found()
    return Response.file(UPLOADS / file.id, filename=file.name, content_type=file.type)


@with_auth
async def DELETE(context: Context, user: User) -> Response:
    if not await delete_file(user, context.params["id"]):
        return not_found()
    return Response(None, status=204)
