from __future__ import annotations

from lib.auth import SignedIn, User, with_auth

from waypost import Request, Response, after
from waypost.cors import cors
from waypost.ratelimit import RateLimiter

allow = cors(origins=["https://app.example"], credentials=True)
limiter = RateLimiter(limit=5, window="1m", algorithm="token-bucket")


@allow
async def GET(request: Request) -> Response:
    return Response.json({"method": request.method})


@allow
@limiter
async def PUT() -> Response:
    return Response(None, status=204)


@with_auth
async def POST(request: Request, context: SignedIn) -> Response:
    after(lambda: print(context.user["name"]))
    return Response.json({"name": context.user["name"].upper()})


@with_auth(role="admin")
async def DELETE(user: User) -> Response:
    return Response.json({"name": user["name"].upper()})


async def handlers_can_be_called(request: Request) -> int:
    response = await GET(request)
    return response.status + (await PUT()).status
