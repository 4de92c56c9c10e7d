"""Guide: List and Create Posts."""

from __future__ import annotations

from waypost import Request, Response

from lib.auth import User
from lib.posts import create_post, list_posts
from lib.validation import CreatePost, integer, read_json
from lib.with_auth import with_auth


async def GET(request: Request) -> Response:
    search_params = request.next_url.search_params
    page = integer(search_params.get("page", "1"), "page", 1, 1_000_000)
    limit = integer(search_params.get("limit", "10"), "limit", 1, 100)
    posts = await list_posts(page, limit)
    return Response.json({"data": [post.to_json() for post in posts], "page": page, "limit": limit})


@with_auth
async def POST(request: Request, user: User) -> Response:
    body = await read_json(request, CreatePost)
    post = await create_post(user["id"], body.title, body.content)
    return Response.json(post.to_json(), status=201, headers={"Location": f"/api/posts/{post.id}"})
