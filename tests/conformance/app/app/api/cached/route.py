"""A cached function: two tags, and a time to live if the query asks for one."""

from __future__ import annotations

from typing import Any

from waypost import Request, Response
from waypost.cache import cached

from lib.db import integer, iso
from lib.state import bump


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    key = query.get("key") or "k"
    revalidate = integer(query.get("revalidate"))

    @cached(key=["cached-route"], tags=[f"all-{key}", f"item-{key}"], revalidate=revalidate)
    async def value(k: str) -> dict[str, Any]:
        return {"k": k, "n": bump(f"cached:{k}"), "when": iso(0)}

    result = await value(key)
    return Response.json({"value": result, "whenType": type(result["when"]).__name__})
