from __future__ import annotations

import time
from typing import Any

from waypost import Context, Request, Response

dynamic_params = False


async def generate_static_params() -> list[dict[str, Any]]:
    return [{"id": "one"}, {"id": "two"}, {"id": "sp ace"}]


async def GET(request: Request, context: Context) -> Response:
    return Response.json({"params": await context.params, "now": time.time_ns() // 1_000_000})
