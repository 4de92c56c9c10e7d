"""What users of a Python client write; checked by mypy, then run against the project."""

from __future__ import annotations

import asyncio
import datetime
import io
import sys

import httpx2
from client import ApiError, AsyncClient, Client, NewPost, Post


def use(url: str) -> None:
    with Client(url, headers={"x-client": "test"}) as client:
        api = client.api

        page = api.posts.get(page=3, tag=["a", "b & c"])
        first: Post = page["data"][0]
        assert (page["page"], page["asked"], first["title"]) == (3, ["a", "b & c"], "Hello")
        assert api.posts.get()["page"] == 1

        new: NewPost = {"title": "New"}
        made = api.posts.post(body=new)
        assert (made["id"], made["kind"]) == (2, "draft")

        assert api.posts(1).get()["title"] == "Hello"
        api.posts(1).delete()
        assert api.days(datetime.date(2026, 2, 3)).get() == {"day": "2026-02-03"}
        assert api.words.get() == "just text"
        assert api.bytes.get() == b"\x00\x01"

        try:
            api.posts.post(body={"title": ""})
        except ApiError as error:
            assert (error.status, str(error), error.issues[0]["path"]) == (400, "Validation failed", ["title"])
        else:
            raise AssertionError("it must not pass")
        try:
            api.posts(7).get()
        except ApiError as error:
            assert (error.status, error.body, error.issues) == (404, {"error": "Not found"}, [])
        else:
            raise AssertionError("there is no such post")

        assert api.blog_posts.delete_.get() == {"deleted": False}
        assert api.files(["a b", "c/d", 1]).get() == {"path": ["a b", "c/d", "1"]}
        try:
            api.files([".."]).get()
        except ValueError:
            pass
        else:
            raise AssertionError("it would leave the path")

        told = api.files.post(form={"file": ("a.txt", b"abc"), "note": "n", "more": [b"x", ("b", io.BytesIO(b"y"))]})
        assert told == {"name": "a.txt", "size": 3, "note": "n", "more": 2}

        echo = api.echo.put(body={"deep": [1, None]}, headers={"x-note": "hi"})
        assert echo == {"body": {"deep": [1, None]}, "note": "hi", "agent": "test"}
        raw = api.echo.patch(raw="plain", headers={"content-type": "text/csv"})
        assert raw == {"text": "plain", "type": "text/csv"}

        tags = api.tags.get(x_tag=["a", "b c"], x_number=[1, 2], x_flag=True)
        assert tags == {"x_tag": ["a", "b c"], "x_number": [1, 2], "x_flag": True}
        assert api.tags.get(x_tag=[]) == {"x_tag": [], "x_number": [], "x_flag": False}

        assert [event.data for event in api.events.get()] == ['{"number":0}', '{"number":1}', '{"number":2}']

    with Client(url, http=httpx2.Client(headers={"x-client": "own"})) as other:
        assert other.api.echo.put(body=1)["agent"] == "own"


async def use_async(url: str) -> None:
    async with AsyncClient(url) as client:
        api = client.api
        page, one = await asyncio.gather(api.posts.get(page=2), api.posts(1).get())
        assert (page["page"], one["title"]) == (2, "Hello")
        told = await api.files.post(form={"file": ("a.txt", b"abc")})
        assert told["size"] == 3
        assert [event.data async for event in api.events.get()] == ['{"number":0}', '{"number":1}', '{"number":2}']
        try:
            await api.posts(7).get()
        except ApiError as error:
            assert error.status == 404
        else:
            raise AssertionError("there is no such post")


use(sys.argv[1])
asyncio.run(use_async(sys.argv[1]))
print("done")
