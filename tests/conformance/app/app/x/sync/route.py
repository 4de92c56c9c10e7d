from __future__ import annotations

from waypost import Response


def GET() -> Response:
    return Response("sync handler")
