"""Conditions and ranges behind middleware that wraps: they are decided for the answer that goes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.testing import Client

# The pattern that everybody writes.
NAMED = """
from waypost import Response
async def middleware(request, next):
    r = await next(request)
    who = request.cookies.get("who")
    if who is None:
        r.headers.set("x-passed", "yes")
        return r
    body = await r.text()
    return Response(body.replace("NAME", who.value), status=r.status, headers=r.headers)
"""
OWN_TAG = """
from waypost import Response
async def middleware(request, next):
    r = await next(request)
    return Response("other", headers={**dict(r.headers), "etag": '"mine"'})
"""
PASSING = "async def middleware(request, next):\n    return await next(request)\n"
REWRITING = """
from waypost import Response
async def middleware(request, next):
    return Response.rewrite("/page") if request.path == "/renamed" else await next(request)
"""
FILES = {
    "app/page/page.py": "async def page():\n    return '<p>NAME'\n",
    "app/plain/page.html": "<p>NAME",
    "app/static/route.py": "dynamic = 'force-static'\nfrom waypost import Response\n"
    "async def GET():\n    return Response('<p>NAME')\n",
    "public/file.txt": "<p>NAME",
}
PATHS = ["/page", "/plain", "/static", "/file.txt"]


def client(root: Path, middleware: str, folder: str = "") -> Client:
    inner = {"app/middleware.py": folder} if folder else {}
    return Client(make_application(root, {**FILES, **inner, "middleware.py": middleware}))


@pytest.fixture(params=["alone", "inside of another"])
def named(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    opened = client(tmp_path, NAMED) if request.param == "alone" else client(tmp_path, PASSING, NAMED)
    with opened as browser:
        yield browser


@pytest.mark.parametrize("path", PATHS[:3])
def test_a_body_that_was_replaced_has_no_tag_and_is_never_304_or_a_part(named: Client, path: str) -> None:
    etag = named.get(path).headers["etag"]
    for asked in ({}, {"if-none-match": etag}, {"if-none-match": "*"}, {"range": "bytes=0-2"}):
        answer = named.get(path, headers={"cookie": "who=bob", **asked})
        assert (answer.status, answer.text) == (200, "<p>bob")
        assert not any(answer.headers.has(name) for name in ("etag", "last-modified", "accept-ranges"))
    assert named.head(path, headers={"cookie": "who=bob", "if-none-match": etag}).status == 200


@pytest.mark.parametrize("path", PATHS[:3])
def test_a_body_that_passed_is_304_with_what_middleware_has_put_on_it(named: Client, path: str) -> None:
    whole = named.get(path)
    assert (whole.status, whole.text) == (200, "<p>NAME")
    again = named.get(path, headers={"if-none-match": whole.headers["etag"]})
    assert (again.status, again.content, again.headers["etag"]) == (304, b"", whole.headers["etag"])
    assert again.headers["x-passed"] == "yes"
    assert not any(again.headers.has(name) for name in ("content-type", "content-length", "accept-ranges"))
    assert again.headers.get("cache-control") == whole.headers.get("cache-control")
    assert named.head(path, headers={"if-none-match": whole.headers["etag"]}).status == 304


def test_a_file_of_public_is_decided_behind_the_middleware_of_the_project(tmp_path: Path) -> None:
    with client(tmp_path, NAMED) as browser:
        etag = browser.get("/file.txt").headers["etag"]
        assert browser.get("/file.txt", headers={"if-none-match": etag}).status == 304
        part = browser.get("/file.txt", headers={"range": "bytes=0-2"})
        assert (part.status, part.text, part.headers["x-passed"]) == (206, "<p>", "yes")
        changed = browser.get("/file.txt", headers={"range": "bytes=0-2", "cookie": "who=bob"})
        assert (changed.status, changed.text) == (200, "<p>bob")


def test_a_tag_of_the_middleware_stays(tmp_path: Path) -> None:
    with client(tmp_path, OWN_TAG) as browser:
        for path in PATHS:
            answer = browser.get(path)
            assert (answer.status, answer.text, answer.headers["etag"]) == (200, "other", '"mine"')


def test_conditions_hold_without_middleware_that_wraps_and_behind_a_rewrite(tmp_path: Path) -> None:
    with client(tmp_path, REWRITING) as browser:
        etag = browser.get("/renamed").headers["etag"]
        assert browser.get("/renamed", headers={"if-none-match": etag}).status == 304


def test_middleware_that_makes_a_text_of_a_304_of_the_handler_passes_it_on(tmp_path: Path) -> None:
    route = "from waypost import Response\nasync def GET():\n    return Response(None, 304, {'etag': '\"own\"'})\n"
    files = {"app/own/route.py": route, "middleware.py": NAMED}
    with Client(make_application(tmp_path, files)) as browser:
        answer = browser.get("/own", headers={"cookie": "who=bob"})
        assert (answer.status, answer.content, answer.headers["etag"]) == (304, b"", '"own"')
