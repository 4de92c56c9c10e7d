from lib.guard import with_auth, with_cors
from meaning import SMALL

from waypost import Request, Response


@with_cors
@with_auth
async def GET(request: Request) -> Response:
    return Response.json(SMALL)
