"""A static answer that tries to show whose request it was made for, by everything a request has."""

from __future__ import annotations

from waypost import Request, Response, cookies, headers

dynamic = "force-static"


async def GET(request: Request) -> Response:
    seen = [request.headers.get("x-user"), headers().get("authorization"), str(request.cookies), str(cookies())]
    return Response.json([*seen, request.ip, request.next_url.search, request.url])
