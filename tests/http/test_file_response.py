"""Response.file and Response.download: what they answer to which request."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

import pytest

from waypost import Blob, NoSuchFile, Request, Response
from waypost.errors import InvalidResponseError
from waypost.http.file_response import content_type_of
from waypost.testing import request_scope

DATA = bytes(range(256)) * 4
OLD = 1_700_000_000  # seconds since 1970, long enough ago for a date to be a strong validator
DATE = formatdate(OLD, usegmt=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.bin").write_bytes(DATA)
    (tmp_path / "page.html").write_text("<p>hello")
    (tmp_path / "empty.txt").write_bytes(b"")
    for file in tmp_path.iterdir():
        os.utime(file, (OLD, OLD))
    return tmp_path


def _ask(make, method: str = "GET", **headers: str) -> Response:
    request = Request("http://a/x", method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with request_scope(request):
        return make()


def _body(response: Response) -> bytes:
    return asyncio.run(response.bytes())


def _fields(response: Response) -> dict[str, str]:
    return dict(response.headers.entries())


# -- what is said of a file


def test_a_file_of_ones_own_is_shown(folder: Path) -> None:
    response = _ask(lambda: Response.file(folder / "page.html"))
    assert (response.status, _body(response)) == (200, b"<p>hello")
    assert _fields(response) == {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-length": "8",
        "content-type": "text/html; charset=utf-8",
        "etag": response.headers["etag"],
        "last-modified": DATE,
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, None),
        ({"filename": "Report.bin"}, 'attachment; filename="Report.bin"'),
        ({"filename": "Report.bin", "inline": True}, 'inline; filename="Report.bin"'),
        ({"inline": True}, 'inline; filename="data.bin"'),
        ({"name": "data.bin"}, 'attachment; filename="data.bin"'),
        ({"name": ["data.bin"]}, 'attachment; filename="data.bin"'),
        ({"name": "data.bin", "inline": True}, 'inline; filename="data.bin"'),
        ({"name": "data.bin", "filename": "x.bin"}, 'attachment; filename="x.bin"'),
    ],
)
def test_the_name_it_is_saved_under(folder: Path, arguments: dict[str, object], expected: str | None) -> None:
    path = folder if "name" in arguments else folder / "data.bin"
    response = _ask(lambda: Response.file(path, **arguments))  # type: ignore[arg-type]  # of the table
    assert response.headers.get("content-disposition") == expected
    assert _body(response) == DATA


def test_headers_of_the_caller(folder: Path) -> None:
    more = {"X-A": "1", "ETag": '"mine"', "Content-Length": "7", "Content-Range": "x", "Accept-Ranges": "none"}
    response = _ask(lambda: Response.file(folder, "data.bin", headers=more, content_type="a/b", cache_control=None))
    fields = _fields(response)
    assert (fields["x-a"], fields["etag"], fields["content-type"]) == ("1", '"mine"', "a/b")
    assert (fields["content-length"], fields["accept-ranges"]) == (str(len(DATA)), "bytes")
    assert "cache-control" not in fields
    assert "content-range" not in fields
    asyncio.run(response.bytes())


def test_headers_that_come_more_than_once(folder: Path) -> None:
    more = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Cache-Control", "public"), ("Cache-Control", "max-age=1")]
    response = _ask(lambda: Response.file(folder / "page.html", headers=more))
    assert response.headers.get_set_cookie() == ["a=1", "b=2"]
    assert response.headers["cache-control"] == "public, max-age=1"
    assert _body(response) == b"<p>hello"


def test_another_status_has_no_conditions(folder: Path) -> None:
    response = _ask(lambda: Response.file(folder / "page.html", status=404), if_none_match="*", range="bytes=0-1")
    assert (response.status, _body(response)) == (404, b"<p>hello")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain; charset=utf-8"), ("a.json", "application/json; charset=utf-8"), ("a.png", "image/png"),
        ("a.svg", "image/svg+xml; charset=utf-8"), ("a", "application/octet-stream"), ("a.pdf", "application/pdf"),
        ("a.csv.gz", "application/gzip"), ("a.tar.bz2", "application/octet-stream"),
        ("A.HTML", "text/html; charset=utf-8"),
    ],
)  # fmt: skip
def test_types_by_name(name: str, expected: str) -> None:
    assert content_type_of(name) == expected


def test_outside_a_request_it_is_the_whole(folder: Path) -> None:
    response = Response.file(folder / "data.bin")
    assert (response.status, _body(response)) == (200, DATA)
    assert not response.headers.has("accept-ranges")


# -- conditions


def _etag(folder: Path) -> str:
    return Response.file(folder / "data.bin").headers["etag"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"if_none_match": "{etag}"}, 304),
        ({"if_none_match": "W/{etag}"}, 304),
        ({"if_none_match": '"a", {etag}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"a"'}, 200),
        ({"if_none_match": "garbage"}, 200),
        ({"if_modified_since": DATE}, 304),
        ({"if_modified_since": formatdate(OLD + 60, usegmt=True)}, 304),
        ({"if_modified_since": formatdate(OLD - 60, usegmt=True)}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_modified_since": DATE, "if_none_match": '"a"'}, 200),
        ({"if_match": "{etag}"}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": "W/{etag}"}, 412),
        ({"if_match": '"a"'}, 412),
        ({"if_unmodified_since": DATE}, 200),
        ({"if_unmodified_since": formatdate(OLD - 60, usegmt=True)}, 412),
        ({"if_unmodified_since": formatdate(OLD - 60, usegmt=True), "if_match": "{etag}"}, 200),
        ({"if_match": "{etag}", "if_none_match": "{etag}"}, 304),
        ({"if_match": '"a"', "if_none_match": "{etag}"}, 412),
        ({"if_none_match": "{etag}", "range": "bytes=0-1"}, 304),
        ({"if_match": '"a"', "range": "bytes=9999-"}, 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(folder: Path, method: str, headers: dict[str, str], expected: int) -> None:
    headers = {name: value.replace("{etag}", _etag(folder)) for name, value in headers.items()}
    response = _ask(lambda: Response.file(folder / "data.bin"), method, **headers)
    assert response.status == expected
    if expected == 304:
        assert set(_fields(response)) == {"etag", "last-modified", "cache-control"}
        assert _body(response) == b""
    elif expected == 412:
        assert _body(response) == b'{"error":"Precondition failed"}'


def test_a_post_has_no_conditions(folder: Path) -> None:
    response = _ask(lambda: Response.file(folder / "data.bin"), "POST", if_none_match="*", range="bytes=0-1")
    assert (response.status, _body(response)) == (200, DATA)


def test_a_changed_file_has_another_tag(folder: Path) -> None:
    file = folder / "data.bin"
    tags = {_etag(folder)}
    file.write_bytes(b"x" + DATA[1:])  # as long as before
    tags.add(_etag(folder))
    os.utime(file, ns=(OLD, OLD + 1))
    tags.add(_etag(folder))
    assert len(tags) == 3


# -- ranges


@pytest.mark.parametrize(
    ("value", "status", "start", "stop"),
    [
        ("bytes=0-0", 206, 0, 1), ("bytes=5-9", 206, 5, 10), ("bytes=1000-", 206, 1000, 1024),
        ("bytes=-3", 206, 1021, 1024),
        ("bytes=5-2", 200, 0, 1024), ("items=0-1", 200, 0, 1024), ("bytes=0-0,0-0", 206, 0, 1),
        ("bytes=0-9999", 206, 0, 1024),
    ],
)  # fmt: skip
def test_one_range(folder: Path, value: str, status: int, start: int, stop: int) -> None:
    response = _ask(lambda: Response.file(folder, "data.bin"), range=value)
    assert (response.status, _body(response)) == (status, DATA[start:stop])
    assert response.headers["content-length"] == str(stop - start)
    assert response.headers.get("content-range") == (f"bytes {start}-{stop - 1}/1024" if status == 206 else None)
    assert response.headers["content-disposition"] == 'attachment; filename="data.bin"'


def test_several_ranges(folder: Path) -> None:
    response = _ask(lambda: Response.file(folder, "data.bin"), range="bytes=0-1,-2,500-509")
    body = _body(response)
    assert response.status == 206
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert not response.headers.has("content-range")
    assert body.count(b"Content-Range: bytes ") == 3
    assert DATA[500:510] in body


@pytest.mark.parametrize("name", ["data.bin", "empty.txt"])
def test_a_range_that_is_not_there(folder: Path, name: str) -> None:
    response = _ask(lambda: Response.file(folder, name), range="bytes=9999-")
    size = (folder / name).stat().st_size
    assert (response.status, _body(response)) == (416, b'{"error":"Range not satisfiable"}')
    assert response.headers["content-range"] == f"bytes */{size}"
    assert not response.headers.has("etag")


def test_head_takes_no_part(folder: Path) -> None:
    response = _ask(lambda: Response.file(folder, "data.bin"), "HEAD", range="bytes=0-1")
    assert (response.status, response.headers["content-length"]) == (200, "1024")
    response.body.close()  # type: ignore[union-attr]  # of a file


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("{etag}", True), (" {etag} ", True), ('"a"', False), ("W/{etag}", False), (DATE, True), ("yesterday", False),
        (formatdate(OLD + 1, usegmt=True), False), (formatdate(OLD - 1, usegmt=True), False), ("*", False), ("", False),
    ],
)  # fmt: skip
def test_if_range(folder: Path, condition: str, part: bool) -> None:
    condition = condition.replace("{etag}", _etag(folder))
    response = _ask(lambda: Response.file(folder / "data.bin"), range="bytes=1-2", if_range=condition)
    assert (response.status, len(_body(response))) == ((206, 2) if part else (200, 1024))


def test_a_file_of_this_second_is_not_told_apart_by_its_date(folder: Path) -> None:
    now = int(datetime.now(UTC).timestamp()) + 1
    os.utime(folder / "data.bin", (now, now))
    response = _ask(
        lambda: Response.file(folder / "data.bin"), range="bytes=1-2", if_range=formatdate(now, usegmt=True)
    )
    assert (response.status, len(_body(response))) == (200, 1024)


# -- descriptors


def test_no_answer_keeps_a_descriptor(folder: Path) -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for headers in (
        {},
        {"range": "bytes=0-1"},
        {"range": "bytes=0-1,5-6"},
        {"range": "bytes=9999-"},
        {"if_none_match": "*"},
    ):
        _ask(lambda: Response.file(folder / "data.bin"), **headers)
    with pytest.raises(TypeError):
        _ask(lambda: Response.file(folder / "data.bin", headers={"x": "a\nb"}))
    with pytest.raises(InvalidResponseError):
        _ask(lambda: Response.file(folder / "data.bin", status=204))
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# -- what is no file


@pytest.mark.parametrize("name", ["nothing", "../x", "", ".hidden"])
def test_missing_and_outside_are_one(folder: Path, name: str) -> None:
    with pytest.raises(NoSuchFile) as caught:
        Response.file(folder, name)
    assert (caught.value.status, caught.value.message, caught.value.headers) == (404, "File not found", {})


# -- download


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_bytes_and_blobs() -> None:
    for source in (DATA, bytearray(DATA), Blob([DATA])):
        response = _ask(lambda source=source: Response.download(source, "naïve.csv", etag="v1"))
        assert (response.status, _body(response)) == (200, DATA)
        fields = _fields(response)
        assert fields["content-disposition"].endswith("filename*=UTF-8''na%C3%AFve.csv")
        assert (fields["content-type"], fields["etag"], fields["content-length"]) == (
            "text/csv; charset=utf-8",
            '"v1"',
            "1024",
        )
        part = _ask(
            lambda source=source: Response.download(source, "x", etag='"v1"'), range="bytes=2-4", if_range='"v1"'
        )
        assert (part.status, _body(part)) == (206, DATA[2:5])
        assert _ask(lambda source=source: Response.download(source, "x", etag="v1"), if_none_match='"v1"').status == 304


def test_a_weak_tag_allows_no_part() -> None:
    response = _ask(lambda: Response.download(DATA, "x", etag='W/"v1"'), range="bytes=2-4", if_range='W/"v1"')
    assert (response.status, response.headers["etag"]) == (200, 'W/"v1"')
    assert _ask(lambda: Response.download(DATA, "x", etag='W/"v1"'), if_match='W/"v1"').status == 412
    assert _ask(lambda: Response.download(DATA, "x", etag='W/"v1"'), if_none_match='"v1"').status == 304


def test_a_stream_is_sent_as_it_comes() -> None:
    response = _ask(
        lambda: Response.download(_parts(b"ab", b"c"), "x.txt", length=3), range="bytes=0-0", if_none_match="*"
    )
    assert response.status == 200
    assert response.body is not None
    assert response.body.length == 3
    assert not response.headers.has("accept-ranges")
    assert _body(response) == b"abc"
    assert _ask(lambda: Response.download(_parts(b"ab"), "x.txt")).body.length is None  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["async", "plain", "bytes", "awaitable"])
def test_a_function_of_a_span(kind: str) -> None:
    asked: list[tuple[int, int]] = []

    def read(start: int, stop: int) -> object:
        asked.append((start, stop))
        data = DATA[start:stop]
        if kind == "async":
            return _parts(data[:1], data[1:])
        if kind == "plain":
            return iter([data[:1], data[1:]])

        async def later() -> AsyncIterator[bytes]:
            return _parts(data)

        return data if kind == "bytes" else later()

    def make() -> Response:
        modified = datetime.fromtimestamp(OLD, UTC)
        return Response.download(read, "x.bin", length=len(DATA), last_modified=modified)

    whole = _ask(make)
    assert asked == []  # nothing is fetched before it is sent
    assert (whole.headers["last-modified"], whole.headers["accept-ranges"]) == (DATE, "bytes")
    assert _body(whole) == DATA
    part = _ask(make, range="bytes=10-19")
    assert (part.status, _body(part)) == (206, DATA[10:20])
    several = _ask(make, range="bytes=0-1,1000-")
    assert several.headers["content-length"] == str(len(_body(several)))
    assert asked == [(0, 1024), (10, 20), (0, 2), (1000, 1024)]
    assert _ask(make, if_modified_since=DATE).status == 304
    assert _ask(make, range="bytes=5000-").status == 416
    assert len(asked) == 4


def test_a_function_needs_the_length() -> None:
    with pytest.raises(InvalidResponseError, match="length"):
        Response.download(lambda start, stop: b"", "x")


def test_a_source_is_closed_when_the_reader_leaves() -> None:
    closed: list[str] = []

    async def main() -> None:
        async def read(start: int, stop: int) -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x"
            finally:
                closed.append("source")

        for headers in ({}, {"range": "bytes=0-500"}, {"range": "bytes=0-1,5-1000"}):
            response = _ask(lambda: Response.download(read, "x", length=1024), **headers)
            assert response.body is not None
            chunks = response.body.take()
            await anext(chunks)
            await anext(chunks)
            await response.body.aclose()
            assert closed == ["source"]
            closed.clear()

    asyncio.run(main())


def test_a_plain_iterator_with_a_length() -> None:
    def rows() -> Iterator[bytes]:
        yield b"a,b\n"

    response = Response.download(rows(), "x.csv", length=4)
    assert response.body is not None
    assert (response.body.length, _body(response)) == (4, b"a,b\n")
