from __future__ import annotations

from waypost import Request, Response


async def handler(request: Request) -> Response:
    url = request.next_url
    return Response.json(
        {
            "url": request.url,
            "nextUrl": {
                "href": url.href,
                "origin": url.origin,
                "protocol": url.protocol,
                "host": url.host,
                "hostname": url.hostname,
                "port": url.port,
                "pathname": url.pathname,
                "search": url.search,
                "hash": url.hash,
                "basePath": url.base_path,
                # Waypost has no locale routing and no build id in the URL.
                "locale": "",
                "buildIdType": "undefined",
            },
            "method": request.method,
        }
    )


GET = POST = handler
