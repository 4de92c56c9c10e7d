"""Files through the whole application: middleware, HEAD, caching, compression, plain handlers, errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.http import file_opening
from waypost.testing import Client

TEXT = "a line of text\n" * 200
FILES = {
    "files/page.txt": TEXT,
    "files/data.bin": "0123456789",
    "app/file/[name]/route.py": """
from pathlib import Path
from waypost import Response
FILES = Path(__file__).parents[3] / "files"
async def GET(request, context): return Response.file(FILES, context.params["name"])
def POST(request, context): return Response.file(FILES, context.params["name"])
async def PUT(request, context): return Response.file(FILES.with_name("nowhere"), context.params["name"])
""",
    "app/plain/[name]/route.py": """
from pathlib import Path
from waypost import Response
def GET(context): return Response.file(Path(__file__).parents[3] / "files", context.params["name"])
""",
    "app/caught/[name]/route.py": """
from pathlib import Path
from waypost import NoSuchFile, Response
async def GET(request, context):
    try:
        return Response.file(Path(__file__).parents[3] / "files", context.params["name"])
    except NoSuchFile:
        return Response.json({"error": "Ask for something else"}, status=404)
""",
    "app/static/route.py": """
from pathlib import Path
from waypost import Response
dynamic = "force-static"
async def GET(): return Response.file(Path(__file__).parents[2] / "files" / "page.txt", cache_control=None)
""",
    "app/seen/middleware.py": """
async def middleware(request, next):
    response = (await next(request)).copy()
    response.headers.set("x-seen", f"{response.status} {response.headers.get('content-length')}")
    return response
""",
    "app/seen/route.py": """
from pathlib import Path
from waypost import Response
async def GET(): return Response.file(Path(__file__).parents[2] / "files" / "data.bin")
""",
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client(make_application(tmp_path, FILES)) as client:
        yield client


@pytest.mark.parametrize("path", ["/file/data.bin", "/plain/data.bin", "/seen"])
def test_conditions_and_ranges_reach_the_file(client: Client, path: str) -> None:
    whole = client.get(path)
    assert (whole.status, whole.text) == (200, "0123456789")
    part = client.get(path, headers={"range": "bytes=2-4", "if-range": whole.headers["etag"]})
    assert (part.status, part.text) == (206, "234")
    assert client.get(path, headers={"if-none-match": whole.headers["etag"]}).status == 304
    assert client.get(path, headers={"range": "bytes=99-"}).status == 416
    head = client.request("HEAD", path, headers={"range": "bytes=0-0"})
    assert (head.status, head.content, head.headers["content-length"]) == (200, b"", "10")


def test_middleware_around_a_file_sees_the_whole_and_its_headers_are_on_what_is_made_of_it(client: Client) -> None:
    for asked, status in (
        ({}, 200),
        ({"range": "bytes=0-1"}, 206),
        ({"range": "bytes=0-1,4-5"}, 206),
        ({"range": "bytes=99-"}, 416),
        ({"if-none-match": "*"}, 304),
        ({"if-match": '"other"'}, 412),
    ):
        answer = client.get("/seen", headers=asked)
        assert (answer.status, answer.headers["x-seen"]) == (status, "200 10")
        assert answer.headers.has("etag") == (status < 400)


def test_a_post_gives_the_whole(client: Client) -> None:
    answer = client.post("/file/data.bin", headers={"range": "bytes=0-1", "if-none-match": "*"})
    assert (answer.status, answer.text) == (200, "0123456789")


@pytest.mark.parametrize("path", ["/file/nothing", "/file/..%2Fsecret", "/plain/nothing", "/plain/.hidden"])
def test_what_is_not_there(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json()) == (404, {"error": "File not found"})


def test_a_handler_may_answer_for_itself(client: Client) -> None:
    assert client.get("/caught/nothing").json() == {"error": "Ask for something else"}


def test_a_missing_folder_is_a_bug_that_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.put("/file/data.bin").status == 500
    assert "FileNotFoundError" in caplog.text


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_a_disk_that_fails_is_a_500_that_is_logged(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    real = os.open

    def failing(path: str, *arguments: int, **more: int) -> int:
        if path == "data.bin":
            raise OSError(code, os.strerror(code), path)
        return real(path, *arguments, **more)

    monkeypatch.setattr(file_opening.os, "open", failing)
    answer = client.get("/file/data.bin")
    assert answer.status == 500
    assert set(answer.json()) == {"error", "id"}
    assert "data.bin" not in answer.text
    assert os.strerror(code) in caplog.text


def test_text_is_compressed_and_has_no_ranges_then(client: Client) -> None:
    packed = client.get("/file/page.txt", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert not packed.headers.get("accept-ranges")
    assert packed.headers["content-disposition"] == 'attachment; filename="page.txt"'
    part = client.get("/file/page.txt", headers={"accept-encoding": "gzip", "range": "bytes=0-5"})
    assert (part.status, part.text, part.headers.get("content-encoding")) == (206, "a line", None)


def test_a_static_answer_is_the_whole_for_everyone(client: Client) -> None:
    first = client.get("/static", headers={"range": "bytes=0-5"})
    assert (first.status, first.text) == (200, TEXT)
    assert not first.headers.get("accept-ranges")
    again = client.get("/static", headers={"range": "bytes=0-5"})
    assert (again.status, again.text) == (200, TEXT)
    assert again.headers["cache-status"].startswith("waypost; hit")
    assert client.get("/static", headers={"if-none-match": first.headers["etag"]}).status == 304
