"""Guide: Query Parameters."""

from __future__ import annotations

from waypost import Request, Response

from lib.posts import Sort, find_posts

SORTS: dict[str, Sort] = {"date": "date", "title": "title"}
MAX_QUERY = 100  # characters
MAX_TAGS = 10


async def GET(request: Request) -> Response:
    search_params = request.next_url.search_params
    query = search_params.get("q", "")  # ?q=waypost
    sort = SORTS.get(search_params.get("sort", "date"))  # ?sort=date
    tags = search_params.get_all("tag")  # ?tag=python&tag=web
    if sort is None:
        return Response.json({"error": "sort must be date or title"}, status=400)
    if len(tags) > MAX_TAGS or any(len(text) > MAX_QUERY for text in (query, *tags)):
        return Response.json({"error": "Too many tags, or too long a text"}, status=400)
    posts = await find_posts(query, sort, tags)
    return Response.json({"data": [post.to_json() for post in posts]})
