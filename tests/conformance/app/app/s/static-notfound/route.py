from __future__ import annotations

from waypost import Response, not_found

dynamic = "force-static"


async def GET() -> Response:
    not_found()
