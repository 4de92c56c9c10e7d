from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from waypost.errors import BodyUsedError, InvalidHeaderError, InvalidResponseError
from waypost.http.blob import Blob
from waypost.http.form_data import FormData
from waypost.http.payload import BodyStream, FilePayload
from waypost.http.response import NextResponse, Response
from waypost.http.streams import ReadableStream
from waypost.http.url import URL, URLSearchParams


def test_json() -> None:
    response = Response.json({"name": "Ž", "n": [1, None]}, 201, {"x-a": "1"})
    assert response.payload == '{"name":"Ž","n":[1,null]}'.encode()
    assert response.status == 201
    assert response.ok
    assert response.raw_headers() == [(b"x-a", b"1"), (b"content-type", b"application/json")]
    assert Response.json(1).raw_headers() == [(b"content-type", b"application/json")]
    assert Response.json({}, headers={"content-type": "application/problem+json"}).headers.get("content-type") == (
        "application/problem+json"
    )


def test_json_of_what_json_can_not_hold() -> None:
    with pytest.raises(InvalidResponseError):
        Response.json(object())


@pytest.mark.parametrize(
    ("body", "payload", "content_type"),
    [
        ("é", "é".encode(), "text/plain;charset=UTF-8"),
        (b"x", b"x", None),
        (bytearray(b"x"), b"x", None),
        (memoryview(b"x"), b"x", None),
        (None, b"", None),
        (URLSearchParams("a=b c"), b"a=b+c", "application/x-www-form-urlencoded;charset=UTF-8"),
    ],
)
def test_buffered_bodies(body: Any, payload: bytes, content_type: str | None) -> None:
    response = Response(body)
    assert response.payload == payload
    assert response.headers.get("content-type") == content_type


def test_streamed_bodies_are_read_whole() -> None:
    async def chunks() -> AsyncIterator[str | bytes]:
        yield "a"
        yield b"b"

    def plain() -> Iterator[str]:
        yield "a"
        yield "b"

    async def main() -> None:
        for body in (chunks(), plain(), ["a", "b"], ReadableStream.from_(["a", "b"]), Blob(["ab"]), io.StringIO("ab")):
            response = Response(body)
            assert isinstance(response.payload, BodyStream)
            assert await response.bytes() == b"ab"
            assert await response.text() == "ab"

    asyncio.run(main())


def test_a_form_is_multipart() -> None:
    form = FormData()
    form.append("a", "1")
    response = Response(form)
    assert (response.headers.get("content-type") or "").startswith("multipart/form-data; boundary=")
    assert b'name="a"' in response.payload  # type: ignore[operator]


def test_a_blob_brings_type_and_length() -> None:
    response = Response(Blob(["ab"], type="text/x"))
    assert response.headers.get("content-type") == "text/x"
    assert isinstance(response.payload, BodyStream)
    assert response.payload.length == 2


@pytest.mark.parametrize("status", [0, 1, 101, 103, 199, 600, 999, 1000, "200", 200.5, None, True])
def test_statuses_outside_200_to_599_are_refused(status: Any) -> None:
    with pytest.raises(InvalidResponseError):
        Response(None, status)
    with pytest.raises(InvalidResponseError):
        Response.json({}, status)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_no_body_where_the_status_forbids_one(status: int) -> None:
    assert Response(None, status).null_body
    for body in ("x", b"x", iter(["x"])):
        with pytest.raises(InvalidResponseError):
            Response(body, status)
    for nothing in ("", b""):
        response = Response(nothing, status)
        assert (response.body, response.raw_headers()) == (None, [])


@pytest.mark.parametrize("body", [{"a": 1}, 5, 1.5, object()])
def test_data_is_no_body(body: Any) -> None:
    with pytest.raises(InvalidResponseError, match="json"):
        Response(body)


def test_status_text_is_checked() -> None:
    assert Response(None, status_text="Très bien").status_text == "Très bien"
    for text in ("a\r\nb", "中", "a\x00"):
        with pytest.raises(InvalidResponseError):
            Response(None, status_text=text)


def test_headers_are_checked_when_the_response_is_made() -> None:
    with pytest.raises(InvalidHeaderError):
        Response("x", headers={"x-a": "a\nb"})


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/x", "/x"),
        ("/a b?q=ž", "/a%20b?q=%C5%BE"),
        ("https://example.com/ž", "https://example.com/%C5%BE"),
        ("?next=1", "?next=1"),
        ("//evil.example", "/evil.example"),
        ("/\\evil.example", "/evil.example"),
        ("\\/evil.example", "/evil.example"),
        ("///evil.example/x", "/evil.example/x"),
        ("http:/example.com", "http://example.com/"),
    ],
)
def test_redirect_targets(target: str, location: str) -> None:
    response = Response.redirect(target)
    assert (response.status, response.headers.get("location")) == (307, location)


@pytest.mark.parametrize(
    "target",
    ["data:text/html,x", "javascript:alert(1)", "/ok\r\nSet-Cookie: a=b", "/\n/evil", "\t//evil", "/a\x00b", "/a\x1b"],
)
def test_refused_redirect_targets(target: str) -> None:
    with pytest.raises(InvalidHeaderError):
        Response.redirect(target)


def test_redirect_statuses() -> None:
    assert Response.redirect(URL("https://a.b/"), 303).status == 303
    for status in (200, 300, 304, 404):
        with pytest.raises(InvalidResponseError):
            Response.redirect("/x", status)


def test_cookies_and_headers_do_not_undo_each_other() -> None:
    response = Response()
    response.cookies.set("a", "1")
    held = response.cookies
    response.headers.append("set-cookie", "b=2")
    response.cookies.set("a", "3")
    assert response.headers.get_set_cookie() == ["a=3; Path=/", "b=2"]
    assert held.get("a") is not None
    assert (b"set-cookie", b"b=2") in response.raw_headers()


def test_a_stream_is_sent_once() -> None:
    response = Response(["a"])
    assert isinstance(response.payload, BodyStream)
    response.payload.take()
    with pytest.raises(BodyUsedError):
        response.payload.take()


def test_closing_a_stream_ends_its_generator_and_file(tmp_path: Any) -> None:
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append("async")

    def plain() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append("plain")

    async def main() -> None:
        for body in (chunks(), plain()):
            payload = Response(body).payload
            assert isinstance(payload, BodyStream)
            iterator = payload.take()
            assert await anext(iterator) == b"a"
            await payload.aclose()
            await payload.aclose()

    asyncio.run(main())
    assert ended == ["async", "plain"]
    file = (tmp_path / "x").open("wb+")
    payload = Response(file).payload
    assert isinstance(payload, BodyStream)
    asyncio.run(payload.aclose())
    assert file.closed


def test_a_file_payload_reads_its_range_and_closes(tmp_path: Any) -> None:
    import os

    path = tmp_path / "data"
    path.write_bytes(b"0123456789")
    fd = os.open(path, os.O_RDONLY)
    payload = FilePayload(fd, 2, 5)
    response = Response(payload)
    assert asyncio.run(response.bytes()) == b"23456"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_response_can_be_raised_and_read() -> None:
    with pytest.raises(Response) as caught:
        raise Response.json({"a": 1}, 418)
    assert asyncio.run(caught.value.json()) == {"a": 1}
    assert not isinstance(caught.value, Exception)


def test_a_copy_has_headers_of_its_own() -> None:
    first = Response.json({"a": 1})
    second = first.copy()
    second.headers.set("x", "1")
    assert first.headers.get("x") is None
    assert second.payload == first.payload


def test_next_response_is_the_same_class_and_network_errors_are_not_ok() -> None:
    assert NextResponse is Response
    assert Response.error().status == 0


def test_dataclasses_are_data() -> None:
    @dataclasses.dataclass
    class Point:
        x: int

    assert Response.json(Point(1)).payload == b'{"x":1}'
