"""/api/posts/1: read, change and remove one post."""

from waypost import Response, not_found

from lib import posts


async def GET(id: posts.PostId) -> posts.Post:
    """Read a post."""
    return await posts.find(id) or not_found()


async def PUT(id: posts.PostId, body: posts.Draft) -> posts.Post:
    """Change a post."""
    return await posts.change(id, body) or not_found()


async def DELETE(id: posts.PostId) -> Response:
    """Remove a post."""
    if not await posts.remove(id):
        not_found()
    return Response(status=204)
