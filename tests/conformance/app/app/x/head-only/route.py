from __future__ import annotations

from waypost import Response


async def HEAD() -> Response:
    return Response(None, headers={"x-from": "HEAD"})
