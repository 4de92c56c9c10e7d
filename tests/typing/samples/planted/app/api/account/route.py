from __future__ import annotations

from lib.auth import SignedIn, with_auth

from waypost import Request, Response, after
from waypost.cors import cors
from waypost.ratelimit import RateLimiter

allow = cors(origins="https://app.example")
nobody = cors(origin="https://app.example")  # planted: origins
limiter = RateLimiter(limit=5, window="1m", algorithm="sliding")  # planted: sliding-window


@allow
async def GET(request: Request) -> Response:
    return Response.json({"method": request.method})


@limiter
async def PUT() -> Response:
    return Response(None, status=204)


@with_auth
async def POST(request: Request, context: SignedIn) -> Response:
    after(5)  # planted: nothing to run
    return Response.json({"name": context.user["nmae"]})  # planted: the user has a name


async def called_wrongly(request: Request) -> int:
    await GET()  # planted: a decorated handler keeps its arguments
    await PUT(request)  # planted: it takes none
    await POST(request)  # planted: it is called with the context
    return GET(request).status  # planted: not awaited
