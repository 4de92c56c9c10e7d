from meaning import rows

from waypost import Request, Response


async def GET(request: Request) -> Response:
    return Response.json(rows())
