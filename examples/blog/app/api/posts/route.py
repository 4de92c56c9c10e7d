"""/api/posts: list and create."""

from __future__ import annotations

from waypost import Request, Response
from waypost.cache import update_tag

from lib.posts import POSTS_TAG, create_post, posts_page
from lib.validation import MAX_LIMIT, MAX_PAGE, NewPost, query_integer, read_json


async def GET(request: Request) -> Response:
    """One page of posts: ?page=1&limit=10."""
    page = query_integer(request, "page", default=1, high=MAX_PAGE)
    limit = query_integer(request, "limit", default=10, high=MAX_LIMIT)
    return Response.json({"data": await posts_page(page, limit), "page": page, "limit": limit})


async def POST(request: Request) -> Response:
    """Create a post from {"title": …, "content": …}."""
    body = await read_json(request, NewPost)
    post = await create_post(body.title, body.content)
    update_tag(POSTS_TAG)  # done before the answer goes out: who has seen it sees the new post in the list
    return Response.json(post.to_json(), status=201, headers={"Location": f"/api/posts/{post.id}"})
