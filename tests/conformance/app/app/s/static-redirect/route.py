from __future__ import annotations

from waypost import Response, redirect

dynamic = "force-static"


async def GET() -> Response:
    redirect("/x/get-only")
