from __future__ import annotations

from waypost import Request, Response

# Next.js cuts a body silently at 10 MB where middleware runs; here it is whole up to the limit, and 413 past it.
max_body_size = "32mb"


async def POST(request: Request) -> Response:
    text = await request.text()
    return Response.json({"len": len(text), "cl": request.headers.get("content-length")})
