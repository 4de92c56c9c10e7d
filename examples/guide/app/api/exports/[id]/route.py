"""Guide: Keep Handlers Small. What became of the work."""

from __future__ import annotations

from waypost import Response, not_found

from lib.auth import User
from lib.exports import get_export
from lib.validation import Id
from lib.with_auth import with_auth


@with_auth
async def GET(id: Id, user: User) -> Response:
    export = await get_export(id, user["id"])
    if export is None:
        not_found()
    return Response.json({"id": export.id, "done": export.posts is not None, "posts": export.posts})
