"""Compression of whole answers: files and their validators, ranges, HEAD, event streams."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.testing import Client

TEXT = "a line of text\n" * 200
FILES = {
    "public/page.txt": TEXT,
    "public/small.txt": "small",
    "app/json/route.py": "async def GET(): return {'text': 'compress me ' * 500}\n",
    "app/events/route.py": """
from waypost import Response
async def GET():
    async def chunks():
        for _ in range(3): yield "data: " + "x" * 2000 + "\\n\\n"
    return Response(chunks(), headers={"Content-Type": "text/event-stream; charset=utf-8"})
""",
    "app/tagged/route.py": """
from waypost import Response
async def GET(request):
    if request.headers.get("if-none-match"): return Response(None, 304, {"ETag": '"v1"'})
    return Response("x" * 2000, headers={"ETag": '"v1"'})
""",
}
GZIP = {"accept-encoding": "gzip"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client(make_application(tmp_path, FILES)) as client:
        yield client


def test_a_public_file(client: Client) -> None:
    plain = client.get("/page.txt")
    packed = client.get("/page.txt", headers=GZIP)
    assert gzip.decompress(packed.content).decode() == plain.text == TEXT
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert (plain.headers["content-length"], packed.headers.get("content-length")) == (str(len(TEXT)), None)
    assert (plain.headers.get("accept-ranges"), packed.headers.get("accept-ranges")) == ("bytes", None)


@pytest.mark.parametrize("accepted", [GZIP, {}])
def test_a_revalidation_names_the_copy_that_the_client_has(client: Client, accepted: dict[str, str]) -> None:
    first = client.get("/page.txt", headers=accepted)
    again = client.get("/page.txt", headers={**accepted, "if-none-match": first.headers["etag"]})
    assert again.status == 304
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers.get("content-encoding") is None


def test_a_revalidation_by_a_handler(client: Client) -> None:
    first = client.get("/tagged", headers=GZIP)
    assert first.headers["etag"] == 'W/"v1"'
    again = client.get("/tagged", headers={**GZIP, "if-none-match": 'W/"v1"'})
    assert (again.status, again.headers["etag"], again.headers["vary"]) == (304, 'W/"v1"', "Accept-Encoding")


def test_a_range_is_a_range_of_the_file(client: Client) -> None:
    part = client.get("/page.txt", headers={**GZIP, "range": "bytes=0-5"})
    assert (part.status, part.text, part.headers.get("content-encoding")) == (206, "a line", None)
    weak = client.get("/page.txt", headers=GZIP).headers["etag"]
    whole = client.get("/page.txt", headers={**GZIP, "range": "bytes=0-5", "if-range": weak})
    assert (whole.status, whole.headers.get("content-encoding")) == (200, "gzip")


@pytest.mark.parametrize("path", ["/page.txt", "/small.txt", "/json", "/events", "/tagged", "/nothing"])
@pytest.mark.parametrize("accepted", [GZIP, {}])
def test_head_has_the_headers_of_get(client: Client, path: str, accepted: dict[str, str]) -> None:
    head = client.head(path, headers=accepted)
    assert head.headers == client.get(path, headers=accepted).headers
    assert head.content == b""


def test_an_event_stream_is_never_compressed(client: Client) -> None:
    events = client.get("/events", headers={"accept-encoding": "zstd, br, gzip, *"})
    assert events.headers.get("content-encoding") is None
    assert events.text.startswith("data: xxx")


def test_short_answers_are_left_alone(client: Client) -> None:
    small = client.get("/small.txt", headers=GZIP)
    assert (small.text, small.headers.get("vary"), small.headers["etag"][0]) == ("small", None, '"')


def test_it_is_off_by_one_setting(tmp_path: Path) -> None:
    with Client(make_application(tmp_path, FILES, compress=False)) as client:
        packed = client.get("/page.txt", headers=GZIP)
        assert (packed.text, packed.headers.get("vary"), packed.headers["etag"][0]) == (TEXT, None, '"')
