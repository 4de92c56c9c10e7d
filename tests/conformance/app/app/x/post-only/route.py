from __future__ import annotations

from waypost import Response


async def POST() -> Response:
    return Response.json({"ok": "post-only"})
