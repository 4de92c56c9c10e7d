from __future__ import annotations

from waypost import Response, cookies


async def GET() -> Response:
    seen = (await cookies()).get("mwc")
    return Response.json({"seen": seen.value if seen else None})
