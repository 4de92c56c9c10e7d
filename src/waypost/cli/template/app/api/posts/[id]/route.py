"""/api/posts/1: read, change and remove one post."""

from waypost import Context, Request, Response, not_found

from lib import posts


async def GET(request: Request, context: Context) -> Response:
    post = await posts.find(post_id(context))
    return Response.json(post) if post else not_found()


async def PUT(request: Request, context: Context) -> Response:
    draft = posts.to_draft(await request.json())
    if draft is None:
        return Response.json({"error": "title and content must be texts, and title not empty"}, status=400)
    post = await posts.change(post_id(context), draft)
    return Response.json(post) if post else not_found()


async def DELETE(request: Request, context: Context) -> Response:
    if not await posts.remove(post_id(context)):
        not_found()
    return Response(status=204)


def post_id(context: Context) -> int:
    """The `[id]` of the path as a number; what is none can't be the id of a post."""
    text = str(context.params["id"])
    if not text.isdecimal() or len(text) > 18:
        not_found()
    return int(text)
