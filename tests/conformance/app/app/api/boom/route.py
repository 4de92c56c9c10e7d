from __future__ import annotations

from waypost import Response


async def GET() -> Response:
    raise RuntimeError("secret internal detail")


async def POST() -> Response:
    raise RuntimeError("secret internal detail")
