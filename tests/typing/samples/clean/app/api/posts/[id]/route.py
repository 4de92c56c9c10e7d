from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from waypost import Context, Request, Response, not_found
from waypost.cache import cached, update_tag

POSTS = {"1": "Hello"}


class PostParams(TypedDict):
    id: str


@dataclass
class Post:
    title: str


@cached(tags=["posts"])
async def find(post_id: str) -> str | None:
    return POSTS.get(post_id)


async def GET(request: Request, context: Context[PostParams]) -> Response:
    title = await find(context.params["id"])
    if title is None:
        not_found()
    lang = request.next_url.search_params.get("lang", "en").lower()
    tags = [tag.lower() for tag in request.next_url.search_params.get_all("tag")]
    agent = request.headers.get("user-agent", "").lower()
    return Response.json({"title": title.upper(), "lang": lang, "tags": tags, "agent": agent})


async def PUT(request: Request, context: Context) -> Response:
    body = await request.json()
    POSTS[context.params["id"]] = body["title"]
    update_tag("posts")
    params = await context.params
    return Response.json({"id": params["id"]}, status=200, headers={"X-Kind": "post"})


async def PATCH(context: Context[PostParams]) -> Post:
    return Post(POSTS[context.params["id"]])


def DELETE(request: Request, context: Context[PostParams]) -> Response:
    POSTS.pop(context.params["id"], None)
    return Response(None, status=204)
