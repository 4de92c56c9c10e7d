"""Guide: Validate Request Bodies at Runtime."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from waypost import Response

from lib.auth import User
from lib.posts import create_post
from lib.validation import Body, Content, Title
from lib.with_auth import with_auth


class CreateDraft(Body):
    title: Title
    content: Content
    tags: list[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,30}$")]] = Field(default=[], max_length=10)


@with_auth
async def POST(body: CreateDraft, user: User) -> Response:
    # body is valid, and fully typed
    hashtags = "".join(f" #{tag}" for tag in body.tags)
    post = await create_post(user["id"], body.title, body.content + hashtags)
    return Response.json(post.to_json(), status=201)
