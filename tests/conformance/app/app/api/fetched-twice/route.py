from __future__ import annotations

import os
from urllib.parse import quote

from waypost import Request, Response
from waypost.cache import fetch


async def GET(request: Request) -> Response:
    key = request.next_url.search_params.get("key") or "k"
    url = f"{os.environ['UPSTREAM_URL']}/hits?key={quote(key, safe='')}"
    a = await (await fetch(url)).json()
    b = await (await fetch(url)).json()
    return Response.json({"a": a, "b": b})
