"""What the harness asks to see whether a server is up."""

from meaning import SMALL

from waypost import Request, Response


async def GET(request: Request) -> Response:
    return Response.json(SMALL)
