from __future__ import annotations

import time

from waypost import Response

from lib.state import counter

revalidate = 1


async def GET() -> Response:
    if counter("isr-fail"):
        raise RuntimeError("regen failed")
    return Response.json({"now": time.time_ns() // 1_000_000})
