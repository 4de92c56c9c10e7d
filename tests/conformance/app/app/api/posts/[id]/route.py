"""The guide's posts: read, update and delete one."""

from __future__ import annotations

from waypost import Context, Request, Response

from lib.db import db, integer, now, post_json, posts

UPDATABLE = ("title", "content", "slug")


def post_id(context: Context) -> int:
    """The id in the path. Raises a 400 response for anything that is no number."""
    number = integer(context.params["id"])
    if number is None:
        raise Response.json({"error": "Invalid id"}, status=400)
    return number


def missing() -> Response:
    return Response.json({"error": "Post not found"}, status=404)


async def GET(request: Request, context: Context) -> Response:
    async with db.connect() as connection:
        result = await connection.execute(posts.select().where(posts.c.id == post_id(context)))
        row = result.mappings().one_or_none()
    return Response.json(post_json(row)) if row else missing()


async def PUT(request: Request, context: Context) -> Response:
    number = post_id(context)
    body = await request.json()
    if not isinstance(body, dict):
        return Response.json({"error": "An object is required"}, status=400)
    # Only these columns: the guide spreads the whole body and lets a client change the id.
    values = {name: body[name] for name in UPDATABLE if name in body}
    if not all(isinstance(value, str) for value in values.values()):
        return Response.json({"error": "title, content and slug must be strings"}, status=400)
    change = posts.update().where(posts.c.id == number).values(**values, updated_at=now()).returning(posts)
    async with db.begin() as connection:
        row = (await connection.execute(change)).mappings().one_or_none()
    return Response.json(post_json(row)) if row else missing()


async def DELETE(request: Request, context: Context) -> Response:
    removal = posts.delete().where(posts.c.id == post_id(context)).returning(posts.c.id)
    async with db.begin() as connection:
        row = (await connection.execute(removal)).one_or_none()
    return Response.json({"message": "Post deleted"}) if row else missing()
