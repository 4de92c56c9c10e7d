from __future__ import annotations

import re

from waypost import Request, Response

SHOWN = re.compile(
    r"(x-(?!forwarded|mw|middleware)|user-agent|accept|content-type|cookie|origin|referer|authorization)"
)


async def handler(request: Request) -> Response:
    return Response.json(
        {
            "method": request.method,
            "pathname": request.next_url.pathname,
            "search": request.next_url.search,
            "headers": {name: value for name, value in request.headers.items() if SHOWN.match(name)},
            "body": await request.text(),
        }
    )


GET = POST = PUT = PATCH = DELETE = handler
