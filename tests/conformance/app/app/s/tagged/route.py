from __future__ import annotations

import os
import time

from waypost import Response
from waypost.cache import fetch

dynamic = "force-static"


async def GET() -> Response:
    url = f"{os.environ['UPSTREAM_URL']}/hits?key=tagged-static"
    response = await fetch(url, tags=["tagged-static"], cache="force-cache")
    return Response.json({"up": (await response.json())["key"], "now": time.time_ns() // 1_000_000})
