"""All seven verbs, one function."""

from __future__ import annotations

from waypost import Request, Response


async def handler(request: Request) -> Response:
    text = await request.text()
    return Response(f"{request.method} {len(text)}", headers={"x-method": request.method})


GET = POST = PUT = PATCH = DELETE = HEAD = OPTIONS = handler
