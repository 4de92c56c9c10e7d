from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application
from tests.app.wire import Answer, Upstream, exchange, read_body, serve, upstream

from waypost.testing import Client

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Up: 1\r\nConnection: close\r\n\r\nok"
MIDDLEWARE = """
import os
from waypost import Response
config = {"matcher": "/out/:path*"}
async def middleware(request):
    query = f"?{request.query_string}" if request.query_string else ""
    return Response.rewrite("ORIGIN" + request.path.removeprefix("/out") + query, headers={"x-mw": "1"})
"""


@contextmanager
def project(root: Path, answer: Answer | bytes = OK, **settings: Any) -> Iterator[tuple[Client, Upstream]]:
    with upstream(answer) as other:
        files = {
            "app/route.py": "async def GET(): return {}\n",
            "middleware.py": MIDDLEWARE.replace("ORIGIN", other.origin),
        }
        app = make_application(root, files, **{"rewrite_origins": (other.origin,), **settings})
        with Client(app, ip="203.0.113.7") as client:
            yield client, other


def test_the_other_servers_answer_comes_back(tmp_path: Path) -> None:
    with project(tmp_path) as (client, other):
        answer = client.get("/out/a%2Fb?x=%20&y=1")
    assert (answer.status, answer.text, answer.headers["x-up"], answer.headers["x-mw"]) == (200, "ok", "1", "1")
    assert other.heads[0].startswith(b"GET /a%2Fb?x=%20&y=1 HTTP/1.1\r\n")
    assert other.fields()["host"] == [f"127.0.0.1:{other.port}"]


def test_who_the_client_is_is_told_and_not_believed(tmp_path: Path) -> None:
    forged = {
        "X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4", "X-Forwarded-Host": "evil",
        "X-Forwarded-Proto": "https", "X-Real-IP": "1.2.3.4",
    }  # fmt: skip
    with project(tmp_path) as (client, other):
        client.get("/out/x", headers=forged)
    fields = other.fields()
    assert fields["x-forwarded-for"] == ["203.0.113.7"]
    assert (fields["x-forwarded-host"], fields["x-forwarded-proto"]) == (["testserver"], ["http"])
    assert "forwarded" not in fields and "x-real-ip" not in fields


def test_a_trusted_proxys_chain_is_continued(tmp_path: Path) -> None:
    with project(tmp_path, trusted_proxies="203.0.113.0/24") as (client, other):
        client.get(
            "/out/x",
            headers={
                "X-Forwarded-For": "1.2.3.4",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "api.example",
                "X-Real-IP": "1.2.3.4",
            },
        )
    fields = other.fields()
    assert (fields["x-forwarded-for"], fields["x-real-ip"]) == (["1.2.3.4, 203.0.113.7"], ["1.2.3.4"])
    assert (fields["x-forwarded-host"], fields["x-forwarded-proto"]) == (["api.example"], ["https"])


def test_fields_of_the_connection_stay_on_it(tmp_path: Path) -> None:
    sent = {
        "Connection": "keep-alive, Upgrade, HTTP2-Settings, X-Not-There", "Keep-Alive": "timeout=5", "TE": "trailers",
        "Upgrade": "h2c", "HTTP2-Settings": "AAA", "Proxy-Authorization": "Basic x", "X-Keep": "k",
        "Cookie": "a=1; b=2",
    }  # fmt: skip
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close, X-Their-Hop\r\nX-Their-Hop: 1\r\n"
        b"Keep-Alive: timeout=9\r\nTrailer: x\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nX-Theirs: t\r\n"
        b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok"
    )
    with project(tmp_path, answer) as (client, other):
        got = client.get("/out/x", headers=sent)
    fields = other.fields()
    hops = {"keep-alive", "te", "upgrade", "http2-settings", "proxy-authorization"}
    assert hops & set(fields) == set()
    assert (fields["x-keep"], fields["cookie"]) == (["k"], ["a=1; b=2"])
    theirs = {"x-their-hop", "keep-alive", "trailer", "upgrade", "proxy-authenticate", "connection"}
    assert theirs & set(got.headers.keys()) == set()
    assert got.headers["x-theirs"] == "t"
    assert got.headers.get_set_cookie() == ["a=1", "b=2"]


@pytest.mark.parametrize("own", [{}, {"X-User": "root"}, {"X-User": "guest"}])
def test_no_client_takes_away_what_middleware_says_of_it(tmp_path: Path, own: dict[str, str]) -> None:
    with upstream(OK) as other:
        middleware = f"""
from waypost import Headers, Response
async def middleware(request):
    headers = Headers(request.headers)
    headers.set("x-user", "guest")
    return Response.rewrite("{other.origin}/x", request_headers=headers)
"""
        files = {"app/route.py": "async def GET(): return {}\n", "middleware.py": middleware}
        with Client(make_application(tmp_path, files, rewrite_origins=(other.origin,))) as client:
            assert client.get("/out", headers=own).status == 200
            assert other.fields()["x-user"] == ["guest"]
            refused = client.get("/out", headers={"Connection": "close, X-User", **own})
    assert refused.status == 400
    assert "Connection" in refused.json()["error"]
    assert len(other.heads) == 1


def test_nothing_of_ours_goes_out(tmp_path: Path) -> None:
    with project(tmp_path) as (client, other):
        client.get("/out/x")
    names = set(other.fields())
    assert names == {"host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("chunked", [True, False])
def test_bodies_are_framed_anew(tmp_path: Path, method: str, chunked: bool) -> None:
    async def chunks() -> Any:
        for piece in (b"one ", b"two"):
            yield piece

    with project(tmp_path) as (client, other):
        answer = client.request(method, "/out/x", body=chunks() if chunked else b"one two")
    assert answer.text == "ok"
    fields = other.fields()
    if chunked:
        assert (fields["transfer-encoding"], "content-length" in fields) == (["chunked"], False)
        assert other.bodies == [b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"]
    else:
        assert (fields["content-length"], "transfer-encoding" in fields) == (["7"], False)
        assert other.bodies == [b"one two"]


def test_requests_without_a_body_have_no_framing_but_where_it_is_wanted(tmp_path: Path) -> None:
    with project(tmp_path) as (client, other):
        for method in ("GET", "HEAD", "DELETE", "OPTIONS", "POST"):
            client.request(method, "/out/x")
        assert ["content-length" in other.fields(index) for index in range(5)] == [False, False, False, False, True]
        assert other.fields(4)["content-length"] == ["0"]


def test_a_body_that_middleware_read_goes_along(tmp_path: Path) -> None:
    with upstream(OK) as other:
        source = MIDDLEWARE.replace("ORIGIN", other.origin).replace("    query", "    await request.json()\n    query")
        app = make_application(tmp_path, {"middleware.py": source, "app/x.txt": ""}, rewrite_origins=(other.origin,))
        with Client(app) as client:
            assert client.post("/out/x", json={"a": 1}).text == "ok"
        assert other.bodies == [b'{"a":1}']


def test_a_redirect_is_passed_on_and_not_followed(tmp_path: Path) -> None:
    answer = (
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    with project(tmp_path, answer) as (client, other):
        got = client.get("/out/x")
    assert (got.status, got.headers["location"], len(other.heads)) == (302, "http://169.254.169.254/", 1)


def test_cookies_of_one_visitor_are_not_kept_for_the_next(tmp_path: Path) -> None:
    answer = OK.replace(b"X-Up: 1", b"Set-Cookie: session=first; Path=/")
    with project(tmp_path, answer) as (client, other):
        client.get("/out/x", headers={"Cookie": ""})
        client.get("/out/x", headers={"Cookie": "own=1"})
    assert other.fields(1)["cookie"] == ["own=1"]


def test_a_compressed_answer_passes_as_it_is(tmp_path: Path) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\x1f\x8b\x00\x01"
    )
    with project(tmp_path, answer) as (client, other):
        got = client.get("/out/x", headers={"Accept-Encoding": "gzip"})
    assert (got.content, got.headers["content-encoding"]) == (b"\x1f\x8b\x00\x01", "gzip")
    assert other.fields()["accept-encoding"] == ["gzip"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 502),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nConnection: close\r\n\r\n", 304),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 500),
    ],
)
def test_odd_answers(tmp_path: Path, answer: bytes, status: int) -> None:
    with project(tmp_path, answer) as (client, _):
        assert client.get("/out/x").status == status


def test_a_server_that_is_not_there_is_502(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = MIDDLEWARE.replace("ORIGIN", "http://127.0.0.1:9")
    app = make_application(tmp_path, {"middleware.py": source, "app/x.txt": ""}, rewrite_origins="http://127.0.0.1:9")
    with Client(app) as client:
        answer = client.get("/out/secret?token=1")
    assert (answer.status, answer.json()) == (502, {"error": "Bad gateway"})
    assert "127.0.0.1:9" in caplog.text
    assert "token" not in caplog.text


def test_a_silent_server_is_504(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        await asyncio.sleep(2)

    with project(tmp_path, silent, rewrite_timeout=0.2) as (client, _):
        began = time.monotonic()
        assert client.get("/out/x").status == 504
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "path", ["/out/..%2fadmin", "/out/a/..%2F..%2fb", "/out/%2e%2e%5cadmin", "/out/a%2F..", "/out/%2e%2e%2fx"]
)
def test_an_encoded_way_up_does_not_leave_the_folder(tmp_path: Path, path: str) -> None:
    with project(tmp_path) as (client, other):
        assert client.get(path).status == 400
        assert other.heads == []


def test_configured_rewrites_to_another_server(tmp_path: Path) -> None:
    with upstream(OK) as other:
        rules = {
            "before_files": [{"source": "/b/:path*", "destination": f"{other.origin}/v1/:path*"}],
            "after_files": [{"source": "/keep/:id", "destination": f"{other.origin}/fixed?own=1"}],
            "fallback": [{"source": "/:path*", "destination": f"{other.origin}/:path*"}],
        }
        with Client(
            make_application(tmp_path, {"app/a/route.py": "async def GET(): return {'a': 1}\n"}, rewrites=rules)
        ) as client:
            assert client.get("/a").json() == {"a": 1}
            for path in ("/b/x%2Fy?q=1", "/keep/7?own=0&z=2", "/anything/else"):
                assert client.get(path).text == "ok"
            assert client.get("/b/..%2fadmin").status == 400
        targets = [head.split(b" ")[1] for head in other.heads]
        assert targets == [b"/v1/x%2Fy?q=1", b"/fixed?z=2&own=1&id=7", b"/anything/else"]


# -- over the wire, through our own server


def test_large_bodies_stream_both_ways(tmp_path: Path) -> None:
    size = 24 * 1024 * 1024
    received = hashlib.sha256()

    async def take_and_give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        left = size
        while left:
            data = await reader.read(65536)
            received.update(data)
            left -= len(data)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
        for _ in range(size // 65536):
            writer.write(bytes(range(256)) * 256)
            await writer.drain()

    body = bytes(range(256)) * (size // 256)
    head = b"POST /out/x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size
    with project(tmp_path, take_and_give) as (client, _), serve(client.application) as port:
        out = exchange(port, head + body, seconds=20)
    assert received.hexdigest() == hashlib.sha256(body).hexdigest()
    assert out.partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("method", [b"DELETE", b"OPTIONS", b"GET", b"POST"])
def test_a_chunked_body_does_not_smuggle_a_request(tmp_path: Path, method: bytes) -> None:
    """CVE-2026-29057: a forwarded chunked DELETE or OPTIONS once went out as content-length: 0."""
    smuggled = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    first = b"%s /out/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        method,
        len(smuggled),
        smuggled,
    )
    second = b"GET /out/second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with project(tmp_path) as (client, other), serve(client.application) as port:
        answers = exchange(port, first + second)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert [head.split(b" ")[1] for head in other.heads] == [b"/x", b"/second"]


def test_a_stream_that_breaks_off_is_cut(tmp_path: Path) -> None:
    for answer in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    ):
        with project(tmp_path, answer) as (client, _), serve(client.application) as port:
            got = exchange(port, b"GET /out/x HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"part" in got
        assert not got.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_ends_the_other_connection(tmp_path: Path) -> None:
    left = []

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"5\r\nhello\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            left.append(1)
            raise

    with project(tmp_path, endless) as (client, _), serve(client.application) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(b"GET /out/x HTTP/1.1\r\nHost: a\r\n\r\n")
            assert raw.recv(10)
        deadline = time.monotonic() + 3
        while not left and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left == [1]


def test_head_has_the_length_and_no_body(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: close\r\n\r\n"
    with project(tmp_path, answer) as (client, other), serve(client.application) as port:
        got = exchange(port, b"HEAD /out/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.lower().count(b"content-length: 1234") == 1
    assert got.endswith(b"\r\n\r\n")
    assert other.heads[0].startswith(b"HEAD /x ")


def test_read_body_reads_what_was_sent() -> None:
    async def read() -> bytes:
        reader = asyncio.StreamReader()
        reader.feed_data(b"3\r\nabc\r\n0\r\n\r\n")
        reader.feed_eof()
        return await read_body(reader, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")

    assert asyncio.run(read()) == b"3\r\nabc\r\n0\r\n\r\n"
