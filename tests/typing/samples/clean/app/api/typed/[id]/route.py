from __future__ import annotations

from typing import Annotated, TypedDict

from lib.auth import User, with_auth
from msgspec import Meta, Struct
from pydantic import BaseModel

from waypost import File, Request, Response


class NewPost(BaseModel):
    title: str
    tags: list[str] = []


class Post(Struct):
    id: int
    title: str


class Page(TypedDict, total=False):
    page: Annotated[int, Meta(ge=1)]


class Upload(TypedDict):
    title: str
    file: File


async def GET(id: int, query: Page) -> Post:
    return Post(id, f"page {query.get('page', 1) + 1}")


async def PUT(id: int, body: NewPost) -> Response[Post]:
    return Response.json(Post(id, body.title.upper()), status=201)


@with_auth
async def PATCH(request: Request, id: int, user: User) -> Response:
    body = await request.json(NewPost)
    page = request.query(Page)
    return Response.json({"tags": len(body.tags), "page": page, "by": user["name"].upper(), "id": id + 1})


async def POST(request: Request) -> list[Post]:
    form = await request.form_data(Upload)
    return [Post(form["file"].size, form["title"].upper())]
