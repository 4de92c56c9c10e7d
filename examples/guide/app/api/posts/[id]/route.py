"""Guide: Read, Update, and Delete a Single Post."""

from __future__ import annotations

from waypost import Context, Request, Response

from lib.posts import delete_post, get_post, update_post
from lib.schema import MAX_ID
from lib.validation import PostChanges, integer, read_json
from lib.with_auth import with_auth


def post_not_found() -> Response:
    return Response.json({"error": "Post not found"}, status=404)


def post_id(context: Context) -> int:
    return integer(context.params["id"], "id", 1, MAX_ID)


async def GET(request: Request, context: Context) -> Response:
    post = await get_post(post_id(context))
    return Response.json(post.to_json()) if post else post_not_found()


@with_auth
async def PUT(request: Request, context: Context) -> Response:
    body = await read_json(request, PostChanges)
    post = await update_post(post_id(context), context.user["id"], body.changes())
    return Response.json(post.to_json()) if post else post_not_found()


@with_auth
async def DELETE(request: Request, context: Context) -> Response:
    deleted = await delete_post(post_id(context), context.user["id"])
    return Response.json({"message": "Post deleted"}) if deleted else post_not_found()
