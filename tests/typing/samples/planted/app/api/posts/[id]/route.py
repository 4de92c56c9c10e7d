from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from waypost import Context, Request, Response, not_found, redirect
from waypost.cache import cached, revalidate_path, update_tag


class PostParams(TypedDict):
    id: str


@dataclass
class Post:
    title: str


@cached(tags=["posts"])
async def find(post_id: str) -> Post | None:
    return Post(post_id)


async def GET(request: Request, context: Context[PostParams]) -> Response:
    post = await find(context.params["slug"])  # planted: the folder's name is id
    count: int = context.params["id"]  # planted: a segment is text
    print(count, post.title)  # planted: there may be no post
    if post is None:
        not_found()
    return Response.json({"title": post.titel})  # planted: a field that is not there


async def PUT(request: Request) -> Response:
    body = request.json()
    return Response.json({"title": body["title"]})  # planted: json() is not awaited


async def PATCH(request: Request) -> Response:
    await request.method  # planted: there is nothing to wait for
    limit: int = request.next_url.search_params.get("limit", "10")  # planted: a query value is text
    query = request.next_url.search_params.get("q").lower()  # planted: it may be missing
    return Response.json({"limit": limit, "query": query, "host": request.nextUrl.host})  # planted: JavaScript's name


async def DELETE(request: Request, context: Context[PostParams]) -> Response:
    found = await find(int(context.params["id"]))  # planted: the argument is a text
    update_tag(["posts"])  # planted: one tag
    revalidate_path(request.next_url)  # planted: a text
    if found:
        redirect(303)  # planted: where to
    return {"deleted": True}  # planted: the signature says Response
