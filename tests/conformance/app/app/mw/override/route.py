from __future__ import annotations

from waypost import Request, Response, headers


async def GET(request: Request) -> Response:
    fields = await headers()
    return Response.json(
        {
            "fromMw": fields.get("x-from-mw"),
            "ua": fields.get("user-agent"),
            "removed": fields.get("x-remove-me"),
            "kept": fields.get("x-keep"),
            "viaRequest": request.headers.get("x-from-mw"),
        }
    )
