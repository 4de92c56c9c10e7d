"""A static answer with everything on it; a Set-Cookie must not reach other clients."""

from __future__ import annotations

from waypost import Headers, Response

dynamic = "force-static"


async def GET() -> Response:
    fields = Headers(
        {
            "x-static": "yes",
            "content-type": "text/csv",
            "cache-control": "public, max-age=5",
            "vary": "Accept-Language",
            "etag": '"mine"',
        }
    )
    fields.append("set-cookie", "sc=1; Path=/")
    return Response("a,b", status=203, headers=fields)
