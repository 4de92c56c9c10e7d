from meaning import SMALL

from waypost import Request, Response

dynamic = "force-static"


async def GET(request: Request) -> Response:
    return Response.json(SMALL)
