"""fetch() in every cache mode."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from waypost import Request, Response
from waypost.cache import fetch


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    key = query.get("key") or "k"
    url = f"{os.environ['UPSTREAM_URL']}/hits?key={quote(key, safe='')}"
    response = await fetch(url, **_options(query.get("mode") or "tag", key, query.get("auth") or "a"))
    return Response.json(await response.json())


def _options(mode: str, key: str, auth: str) -> dict[str, Any]:
    match mode:
        case "tag":
            return {"tags": [f"f-{key}"], "cache": "force-cache"}
        case "tagonly":
            return {"tags": [f"f-{key}"]}
        case "revalidate":
            return {"revalidate": 2, "tags": [f"f-{key}"]}
        case "force-cache" | "no-store":
            return {"cache": mode}
        case "rev0":
            return {"revalidate": 0}
        case "post":
            return {"method": "POST", "body": "x", "cache": "force-cache"}
        case "auth":
            return {"cache": "force-cache", "headers": {"authorization": auth}}
    return {}
