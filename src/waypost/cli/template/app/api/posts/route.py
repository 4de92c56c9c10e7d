"""/api/posts: list the posts, write one."""

from waypost import Response

from lib import posts

responses = {"POST": {201: posts.Post}}


async def GET() -> dict[str, list[posts.Post]]:
    """The newest posts."""
    return {"data": await posts.newest(limit=20)}


async def POST(body: posts.Draft) -> Response[posts.Post]:
    """Write a post."""
    post = await posts.create(body)
    return Response.json(post, status=201, headers={"location": f"/api/posts/{post['id']}"})
