from __future__ import annotations

import os
from urllib.parse import quote

from waypost import Request, Response
from waypost.cache import fetch


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    key = quote(query.get("key") or "k", safe="")
    status = quote(query.get("status") or "500", safe="")
    response = await fetch(f"{os.environ['UPSTREAM_URL']}/hits?key={key}&status={status}", cache="force-cache")
    return Response.json({"status": response.status, "body": await response.json()})
