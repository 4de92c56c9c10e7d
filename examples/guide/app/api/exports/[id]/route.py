"""Guide: Keep Handlers Small. What became of the work."""

from __future__ import annotations

from waypost import Context, Request, Response, not_found

from lib.exports import get_export
from lib.schema import MAX_ID
from lib.validation import integer
from lib.with_auth import with_auth


@with_auth
async def GET(request: Request, context: Context) -> Response:
    export = await get_export(integer(context.params["id"], "id", 1, MAX_ID), context.user["id"])
    if export is None:
        not_found()
    return Response.json({"id": export.id, "done": export.posts is not None, "posts": export.posts})
