from __future__ import annotations

from typing import TypedDict

from msgspec import Struct
from pydantic import BaseModel

from waypost import File, Request, Response


class NewPost(BaseModel):
    title: str
    tags: list[str] = []


class Post(Struct):
    id: int
    title: str


class Page(TypedDict):
    page: int


class Upload(TypedDict):
    file: File


async def GET(id: int, query: Page) -> Post:
    start: str = query["page"]  # planted: a number
    return Post(id, query["pages"] + start)  # planted: page


async def PUT(id: int, body: NewPost) -> Response[Post]:
    return Response.json(body, status=201)  # planted: what came, and not a Post


async def PATCH(request: Request, id: int) -> Response:
    body = await request.json(NewPost)
    size: str = len(body.tag)  # planted: tags
    page = request.query(Page)
    number: str = page["page"]  # planted: a number
    return Response.json({"size": size, "number": number, "id": id.upper()})  # planted: a number


async def POST(request: Request) -> list[Post]:
    form = await request.form_data(Upload)
    return [form["file"].name]  # planted: a text, and not a Post
