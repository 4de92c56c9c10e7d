from __future__ import annotations

from waypost import Response, cookies


async def GET() -> Response:
    store = await cookies()
    injected = store.get("injected")
    names = [cookie.name for cookie in store.get_all()]
    return Response.json({"injected": injected.value if injected else None, "all": names})
