from __future__ import annotations

from waypost import URL, Request, Response


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    return Response.json(
        {
            "query": query.get("q"),
            "sort": query.get("sort"),
            "tags": query.get_all("tag"),
            "has": query.has("flag"),
            "size": query.size,
            "all": list(query.entries()),
            "str": str(query),
            "urlSearch": URL(request.url).search,
        }
    )
