from meaning import SMALL

from waypost import Response


async def GET() -> Response:
    return Response.json(SMALL)
