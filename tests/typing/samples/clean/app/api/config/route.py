from __future__ import annotations

from waypost import Response

dynamic = "force-static"
revalidate = 60


async def generate_static_params() -> list[dict[str, str]]:
    return []


async def GET() -> dict[str, str]:
    return {"version": "1.0.0"}


async def POST() -> Response:
    return Response.redirect("/api/config", 303)
