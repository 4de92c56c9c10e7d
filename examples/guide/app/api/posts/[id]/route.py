"""Guide: Read, Update, and Delete a Single Post."""

from __future__ import annotations

from waypost import Response

from lib.auth import User
from lib.posts import delete_post, get_post, update_post
from lib.validation import Id, PostChanges
from lib.with_auth import with_auth


def post_not_found() -> Response:
    return Response.json({"error": "Post not found"}, status=404)


async def GET(id: Id) -> Response:
    post = await get_post(id)
    return Response.json(post.to_json()) if post else post_not_found()


@with_auth
async def PUT(id: Id, body: PostChanges, user: User) -> Response:
    post = await update_post(id, user["id"], body.changes())
    return Response.json(post.to_json()) if post else post_not_found()


@with_auth
async def DELETE(id: Id, user: User) -> Response:
    deleted = await delete_post(id, user["id"])
    return Response.json({"message": "Post deleted"}) if deleted else post_not_found()
