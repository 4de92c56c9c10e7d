from __future__ import annotations

from waypost import Request, Response


async def GET(request: Request) -> Response:
    try:
        if request.next_url.search_params.get("fail"):
            raise RuntimeError("db password is hunter2")
        return Response.json({"ok": True})
    except Exception:
        return Response.json({"error": "Internal server error"}, status=500)
