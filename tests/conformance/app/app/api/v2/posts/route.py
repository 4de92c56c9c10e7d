"""The guide's validated create, with pydantic in the place of Zod."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from waypost import InvalidJSON, Request, Response

from lib.db import db, post_json, posts, slug


class CreatePost(BaseModel):
    model_config = ConfigDict(strict=True)

    title: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1)]
    tags: list[str] | None = None


async def POST(request: Request) -> Response:
    try:
        body = await request.json()
    except InvalidJSON:
        return Response.json({"error": "Invalid JSON"}, status=400)
    try:
        post = CreatePost.model_validate(body)
    except ValidationError as error:
        issues = [
            {"path": list(issue["loc"]), "message": issue["msg"], "code": issue["type"]} for issue in error.errors()
        ]
        return Response.json({"error": "Validation failed", "issues": issues}, status=400)
    row = {"title": post.title, "content": post.content, "slug": slug(post.title), "created_at": 1_700_000_000}
    async with db.begin() as connection:
        created = (await connection.execute(posts.insert().values(row).returning(posts))).mappings().one()
    return Response.json({**post_json(created), "tags": post.tags or []}, status=201)
