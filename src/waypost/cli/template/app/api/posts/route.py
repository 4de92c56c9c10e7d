"""/api/posts: list the posts, write one."""

from waypost import Request, Response

from lib import posts


async def GET() -> Response:
    return Response.json({"data": await posts.newest(limit=20)})


async def POST(request: Request) -> Response:
    draft = posts.to_draft(await request.json())
    if draft is None:
        return Response.json({"error": "title and content must be texts, and title not empty"}, status=400)
    post = await posts.create(draft)
    return Response.json(post, status=201, headers={"location": f"/api/posts/{post['id']}"})
