"""/api/posts/:id: read, update, delete."""

from __future__ import annotations

from waypost import Response
from waypost.cache import update_tag

from lib.answers import Message, PostAnswer, Problem
from lib.posts import POSTS_TAG, delete_post, get_post, update_post
from lib.validation import PostChanges, PostId

responses = {404: (Problem, "There is no such post.")}


def missing() -> Response:
    return Response.json({"error": "Post not found"}, status=404)


async def GET(id: PostId) -> PostAnswer:
    """One post."""
    post = await get_post(id)
    if post is None:
        raise missing()
    return PostAnswer.model_validate(post)


async def PUT(id: PostId, body: PostChanges) -> PostAnswer:
    """Change a post.

    Only the fields that the body has are changed; the slug stays, so that links keep working.
    """
    post = await update_post(id, body.changes())
    if post is None:
        raise missing()
    update_tag(POSTS_TAG)
    return PostAnswer.model_validate(post)


async def DELETE(id: PostId) -> Message:
    """Delete a post."""
    if not await delete_post(id):
        raise missing()
    update_tag(POSTS_TAG)
    return Message(message="Post deleted")
