"""The guide's posts: list and create."""

from __future__ import annotations

from waypost import Request, Response

from lib.db import db, integer, now, post_json, posts, slug


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    page = integer(query.get("page"), default=1, low=1, high=10_000_000)
    limit = integer(query.get("limit"), default=10, high=1000)
    if page is None or limit is None:
        return Response.json({"error": "page and limit must be integers in range"}, status=400)
    async with db.connect() as connection:
        rows = await connection.execute(posts.select().order_by(posts.c.id).limit(limit).offset((page - 1) * limit))
        data = [post_json(row) for row in rows.mappings()]
    return Response.json({"data": data, "page": page, "limit": limit})


async def POST(request: Request) -> Response:
    body = await request.json()
    title, content = (body.get("title"), body.get("content")) if isinstance(body, dict) else (None, None)
    if not isinstance(title, str) or not isinstance(content, str) or not title or not content:
        return Response.json({"error": "Title and content are required"}, status=400)
    row = {"title": title, "content": content, "slug": slug(title), "created_at": now()}
    async with db.begin() as connection:
        created = (await connection.execute(posts.insert().values(row).returning(posts))).mappings().one()
    return Response.json(post_json(created), status=201)
