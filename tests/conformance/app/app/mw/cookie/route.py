from __future__ import annotations

from waypost import Response, cookies


async def GET() -> Response:
    store = await cookies()
    seen = store.get("mwc")
    store.set("hc", "v2")
    return Response.json({"seen": seen.value if seen else None})
