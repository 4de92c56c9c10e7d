"""/api/posts/:id: read, update, delete."""

from __future__ import annotations

from waypost import Context, Request, Response
from waypost.cache import update_tag

from lib.posts import POSTS_TAG, delete_post, get_post, update_post
from lib.validation import PostChanges, post_id, read_json


def not_found() -> Response:
    return Response.json({"error": "Post not found"}, status=404)


async def GET(request: Request, context: Context) -> Response:
    post = await get_post(post_id(context.params["id"]))
    return Response.json(post.to_json()) if post else not_found()


async def PUT(request: Request, context: Context) -> Response:
    """Change the fields that the body has: {"title": …} or {"content": …} or both."""
    number = post_id(context.params["id"])
    changes = (await read_json(request, PostChanges)).changes()
    post = await update_post(number, changes)
    if post is None:
        return not_found()
    update_tag(POSTS_TAG)
    return Response.json(post.to_json())


async def DELETE(request: Request, context: Context) -> Response:
    if not await delete_post(post_id(context.params["id"])):
        return not_found()
    update_tag(POSTS_TAG)
    return Response.json({"message": "Post deleted"})
