from __future__ import annotations

from waypost import Request, Response


async def GET(request: Request) -> Response:
    fields = request.headers
    return Response.json(
        {
            "for": fields.get("x-forwarded-for"),
            "host": fields.get("x-forwarded-host"),
            "proto": fields.get("x-forwarded-proto"),
            "port": fields.get("x-forwarded-port"),
            "hostHeader": fields.get("host"),
            "ip": request.ip,
            "geo": None,
            "urlHost": request.next_url.host,
            "urlProto": request.next_url.protocol,
        }
    )
