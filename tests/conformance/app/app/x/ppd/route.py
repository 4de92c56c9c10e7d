from __future__ import annotations

from waypost import Response


async def handler() -> Response:
    return Response.json({"ok": 1})


PUT = PATCH = DELETE = handler
