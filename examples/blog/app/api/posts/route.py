"""/api/posts: list and create."""

from __future__ import annotations

from waypost import Response
from waypost.cache import update_tag

from lib.answers import PostAnswer, PostPage
from lib.posts import POSTS_TAG, create_post, posts_page
from lib.validation import NewPost, PageQuery

responses = {"POST": {201: (PostAnswer, "The post, with its slug.")}}


async def GET(query: PageQuery) -> PostPage:
    """List posts.

    In the order of their ids, page by page.
    """
    return PostPage(data=await posts_page(query.page, query.limit), page=query.page, limit=query.limit)


async def POST(body: NewPost) -> Response[PostAnswer]:
    """Add a post.

    The slug is made of the title; the Location header leads to the post.
    """
    post = await create_post(body.title, body.content)
    update_tag(POSTS_TAG)  # done before the answer goes out: who has seen it sees the new post in the list
    answer = PostAnswer.model_validate(post)
    return Response.json(answer, status=201, headers={"Location": f"/api/posts/{post.id}"})
