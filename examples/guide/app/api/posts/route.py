"""Guide: List and Create Posts."""

from __future__ import annotations

from waypost import Response

from lib.auth import User
from lib.posts import create_post, list_posts
from lib.validation import CreatePost, Page
from lib.with_auth import with_auth


async def GET(query: Page) -> Response:
    posts = await list_posts(query.page, query.limit)
    return Response.json({"data": [post.to_json() for post in posts], "page": query.page, "limit": query.limit})


@with_auth
async def POST(body: CreatePost, user: User) -> Response:
    post = await create_post(user["id"], body.title, body.content)
    return Response.json(post.to_json(), status=201, headers={"Location": f"/api/posts/{post.id}"})
