"""Requests in, answers out, over a raw socket: order, versions, bodies, what is refused."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from waypost.errors import ClientDisconnected
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.protocol import HttpConnection
from waypost.server.service import Successor

Serve = Callable[..., Any]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def echo(request: Request) -> Response:
    body = await request.bytes()
    return Response.json(
        {
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "host": request.host,
            "headers": request.headers.entries(),
            "body": body.decode("latin-1"),
        }
    )


def _post(body: bytes, *extra: bytes, path: bytes = b"/") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *extra, b"", b""]
    return b"\r\n".join(lines) + body


def test_one_request_after_the_other(serve: Serve, loop_kind: str) -> None:
    live = serve(echo, uvloops=loop_kind == "uvloop")
    client = live.client()
    for number in range(5):
        client.send(b"GET /%d?q=%d HTTP/1.1\r\nHost: a\r\nX-Y: z \r\n\r\n" % (number, number))
        status, headers, body = client.answer()
        told = json.loads(body)
        assert (status, told["path"], told["query"]) == (200, f"/{number}", f"q={number}")
        assert ["x-y", "z"] in told["headers"]
        assert "connection" not in headers
        assert headers["content-type"] == "application/json"
    live.eventually(lambda: len(live.sent) == 5)


def test_a_repeated_header_block_is_not_taken_for_another(serve: Serve) -> None:
    """The second head on a connection may be judged by comparison with the first; nothing of it may be missed."""
    live = serve(echo)
    client = live.client()
    client.send(GET)
    client.answer()
    for line, status in (
        (b"POST /x?y HTTP/1.1", 200),
        (b"GET /a%20b HTTP/1.1", 200),
        (b"GET http://a/abs HTTP/1.1", 200),
    ):
        client.send(line + GET[GET.index(b"\r\n") :])
        assert client.answer()[0] == status
    for line in (
        b"GET /a b HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\xc3\xa4 HTTP/1.1",
        b"GET  / HTTP/1.1", b"GET / HTTP/1.2",
        b"get / HTTP/1.1", b"GET /\tx HTTP/1.1", b"GET /x\r\nHost: b HTTP/1.1", b"GET x HTTP/1.1",
        b"GET http://b/ HTTP/1.1", b"GET /" + b"a" * 20000 + b" HTTP/1.1", b" GET / HTTP/1.1",
    ):  # fmt: skip
        again = live.client()
        again.send(GET)
        again.answer()
        again.send(line + GET[GET.index(b"\r\n") :])
        assert again.answer()[0] in (400, 414), line
        assert again.to_end() == b""


def test_answers_come_in_order_and_what_is_sent_ahead_waits(serve: Serve, loop_kind: str) -> None:
    running = []

    async def handler(request: Request) -> Response:
        running.append(request.path)
        if request.path == "/slow":
            await asyncio.sleep(0.2)
            assert running == ["/slow"], "a second request ran beside the first of its connection"
        return Response(request.path)

    live = serve(handler, uvloops=loop_kind == "uvloop")
    client = live.client()
    client.send(b"".join(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"slow", b"1", b"2", b"3")))
    assert [client.answer()[2] for _ in range(4)] == [b"/slow", b"/1", b"/2", b"/3"]


def test_what_waits_unparsed_is_bounded(serve: Serve) -> None:
    """A client that sends ahead without end is no longer read, instead of filling memory."""
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        await go.wait()
        return Response("x")

    live = serve(handler)
    client = live.client()
    client.socket.settimeout(1)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    sent = 0
    with pytest.raises(TimeoutError):
        for _ in range(3000):
            client.send(GET * 400)
            sent += 400
    assert sent < 1_000_000
    assert live.call(lambda: len(next(iter(live.server.service.connections))._backlog)) < 1_048_576
    live.call(go.set)


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_a_head_in_pieces_means_the_same(serve: Serve, pieces: int) -> None:
    live = serve(echo)
    client = live.client()
    data = _post(b"hello", b"X-A: 1", path=b"/p?q")
    for at in range(0, len(data), pieces):
        client.send(data[at : at + pieces])
        if pieces > 1:
            time.sleep(0.001)
    told = json.loads(client.answer()[2])
    assert (told["path"], told["query"], told["body"]) == ("/p", "q", "hello")


def test_a_small_body_is_read_without_waiting(serve: Serve) -> None:
    """A handler starts when what came with its head is there, so that reading it does not leave the handler."""
    turns = []

    async def handler(request: Request) -> Response:
        asyncio.get_running_loop().call_soon(turns.append, "turn")
        body = await request.bytes()
        turns.append("read")
        return Response(body)

    live = serve(handler)
    client = live.client()
    client.send(_post(b"abc"))
    assert client.answer()[2] == b"abc"
    assert turns[0] == "read"


def test_http_1_0(serve: Serve) -> None:
    live = serve(echo)
    answer = live.talk(b"GET / HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close\r\n" in answer
    client = live.client()
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.answer()[1]["connection"] == "keep-alive"


def test_connection_close(serve: Serve) -> None:
    live = serve(echo)
    for option in (b"close", b"Close", b"keep-alive, close"):
        answer = live.talk(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: " + option + b"\r\n\r\n" + GET)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in answer


def test_head_has_the_length_and_no_body(serve: Serve) -> None:
    live = serve(echo)
    client = live.client()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    status, headers, _ = client.answer(head_only=True)
    assert status == 200 and int(headers["content-length"]) > 10
    assert client.answer()[0] == 200


@pytest.mark.parametrize("status", [204, 205, 304])
def test_statuses_without_a_body_leave_the_connection_in_step(serve: Serve, status: int) -> None:
    async def handler(request: Request) -> Response:
        return Response(None, status, {"x-a": "b"})

    client = serve(handler).client()
    for _ in range(2):
        client.send(GET)
        got, headers, body = client.answer()
        assert (got, headers["x-a"], body) == (status, "b", b"")
        # RFC 9112 section 6.3: 204 and 304 end with their head, 205 does not.
        assert ("content-length" in headers) == (status == 205)


def test_options_of_the_whole_server_reaches_the_handler_as_such(serve: Serve) -> None:
    client = serve(echo).client()
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert json.loads(client.answer()[2])["path"] == "*"


def test_an_absolute_target_is_routed_by_its_path_when_host_agrees(serve: Serve) -> None:
    live = serve(echo)
    client = live.client()
    for target, path in ((b"http://a:80/x?y", "/x"), (b"http://A:80", "/"), (b"HTTPS://a:80/", "/")):
        client.send(b"GET " + target + b" HTTP/1.1\r\nHost: a:80\r\n\r\n")
        assert json.loads(client.answer()[2])["path"] == path
    for target in (b"http://b/", b"http://a/", b"http://u@a:80/", b"ftp://a:80/", b"http://a:80?x", b"//a:80/x#f"):
        assert live.talk(b"GET " + target + b" HTTP/1.1\r\nHost: a:80\r\n\r\n").startswith(b"HTTP/1.1 400 "), target


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501),
        (b"OPTIONS / RTSP/1.0\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501),
        (b"GET /\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: \t \r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417),
        (b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * 300000, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 700000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 100 + b"\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"A" * 5000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n", 413),
    ],
)
def test_refused(serve: Serve, data: bytes, status: int) -> None:
    async def handler(request: Request) -> Response:
        raise AssertionError("a handler ran")

    live = serve(handler)
    answer = live.talk(data + GET)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"%d" % status
    assert b"connection: close" in head
    assert list(json.loads(body)) == ["error"]
    assert answer.count(b"HTTP/1.1 ") == 1, "something ran behind a refused message"


def test_100_headers_are_accepted(serve: Serve) -> None:
    client = serve(echo).client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(99)) + b"\r\n")
    assert len(json.loads(client.answer()[2])["headers"]) == 100


def test_underscores_are_not_hyphens(serve: Serve) -> None:
    client = serve(echo).client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\nX_Real_IP: 1.2.3.4\r\n\r\n" + GET)
    names = [name for name, _ in json.loads(client.answer()[2])["headers"]]
    assert names == ["content_length", "host", "x_real_ip"]
    assert client.answer()[0] == 200


def test_expect_is_answered_when_the_handler_reads(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        if request.path == "/read":
            return Response(await request.bytes())
        return Response("unread")

    live = serve(handler)
    client = live.client()
    head = b" HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
    client.send(b"POST /read" + head)
    assert client.answer()[0] == 100
    client.send(b"hello" + GET)
    assert client.answer()[2] == b"hello"
    assert client.answer()[2] == b"unread"
    # Without our word the client may send the body or not: only the end of the connection keeps both in step.
    client = live.client()
    client.send(b"POST /no" + head)
    status, headers, body = client.answer()
    assert (status, headers["connection"], body) == (200, "close", b"unread")
    assert client.to_end() == b""


def test_an_unread_body_is_passed_over_or_ends_the_connection(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        return Response("unread")

    live = serve(handler)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + b"x" * 100)
    assert client.answer()[0] == 200
    client.send(b"x" * 59900 + GET)
    assert client.answer()[0] == 200
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 100)
    status, headers, _ = client.answer()
    assert (status, headers["connection"]) == (200, "close")


def test_an_early_last_answer_survives_an_upload_in_full_swing(serve: Serve, loop_kind: str) -> None:
    """Closing a socket with unread input resets it, and a reset destroys the answer on its way."""

    async def handler(request: Request) -> Response:
        return Response("no", 413)

    live = serve(handler, uvloops=loop_kind == "uvloop")
    for _ in range(20):
        client = live.client()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(30):
            client.send(b"x" * 50_000)
        assert client.answer()[0] == 413


def test_chunked_bodies(serve: Serve) -> None:
    live = serve(echo)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'5;x="y"\r\nhel\r\n\r\n4\r\n\r\n\r\n\r\n0\r\nTrailer: t\r\nHost: evil\r\n\r\n'
    for pieces in (1, 3, 1000):
        client = live.client()
        data = head + body + GET
        for at in range(0, len(data), pieces):
            client.send(data[at : at + pieces])
        told = json.loads(client.answer()[2])
        assert told["body"] == "hel\r\n\r\n\r\n\r\n"[:9]
        assert [name for name, _ in told["headers"]] == ["host", "transfer-encoding"]
        assert json.loads(client.answer()[2])["method"] == "GET"


@pytest.mark.parametrize(
    "body",
    [
        b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"0" * 40_000 + b"5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"zz\r\n",
    ],
)
def test_odd_chunks_reach_the_reader_as_an_error(serve: Serve, body: bytes) -> None:
    seen: list[str] = []

    async def handler(request: Request) -> Response:
        try:
            await request.bytes()
        except Exception as error:
            seen.append(type(error).__name__)
            return Response("refused", 400)
        seen.append("complete")
        return Response("complete")

    live = serve(handler)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    time.sleep(0.05)
    client.send(body)
    status, headers, _ = client.answer()
    assert (status, headers["connection"]) == (400, "close")
    assert seen == ["BadRequest"]


def test_an_upgrade_that_is_not_taken_is_an_ordinary_request(serve: Serve) -> None:
    """llhttp takes what follows for another protocol: the body must not be read as a request (smuggling)."""
    live = serve(echo)
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    sized = b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(smuggled) + smuggled + b"\r\n0\r\n\r\n"
    for framed in (sized, chunked):
        client = live.client()
        client.send(b"POST /up HTTP/1.1\r\nHost: a\r\n" + upgrade + framed + GET)
        told = json.loads(client.answer()[2])
        assert (told["path"], told["body"]) == ("/up", smuggled.decode())
        assert json.loads(client.answer()[2])["path"] == "/"
        assert client.quiet(0.1)


def test_an_upgrade_hook_can_take_the_connection(serve: Serve) -> None:
    class Shout(Successor):
        def __init__(self) -> None:
            self.over = asyncio.Event()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")  # type: ignore[attr-defined]  # a stream transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())  # type: ignore[attr-defined]  # as above

        def connection_lost(self, exc: Exception | None) -> None:
            self.over.set()

    async def upgrade(connection: HttpConnection, request: Request) -> Response | None:
        if request.path == "/no":
            return Response("no", 403)
        conversation = Shout()
        connection.take_over(conversation)
        await conversation.over.wait()
        return None

    live = serve(echo, upgrade=upgrade)
    head = b" HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    client = live.client()
    client.send(b"GET /no" + head)
    assert client.answer()[0] == 403
    client.send(b"GET /yes" + head + b"early ")
    assert client.until(b"EARLY ") == b"HTTP/1.1 101 Switching Protocols\r\n\r\nEARLY "
    client.send(b"late")
    assert client.until(b"LATE") == b"LATE"
    client.close()
    live.eventually(lambda: not live.server.service.connections)


def test_a_client_that_leaves_is_noticed(serve: Serve, loop_kind: str) -> None:
    events: list[str] = []

    async def handler(request: Request) -> Response:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            events.append(f"cancelled {request.signal.aborted} {type(request.signal.reason).__name__}")
            raise
        return Response("x")

    live = serve(handler, uvloops=loop_kind == "uvloop")
    for leave in ("close", "reset"):
        client = live.client()
        client.send(GET)
        live.eventually(lambda: live.server.service.active == 1)
        getattr(client, leave)()
        live.eventually(lambda: live.server.service.active == 0)
        live.eventually(lambda: not live.server.service.connections)
    assert events == ["cancelled True ClientDisconnected"] * 2
    live.eventually(lambda: len(live.sent) == 2)


AHEAD = [GET + b"G", GET + GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 150_000]


@pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="only Linux tells of an end behind unread bytes")
@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("sent", AHEAD, ids=["a byte ahead", "a request ahead", "an unread body"])
def test_a_client_that_leaves_is_noticed_where_it_is_not_read(
    serve: Serve, loop_kind: str, leave: str, sent: bytes
) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(30)
        return Response("x")

    live = serve(handler, uvloops=loop_kind == "uvloop")
    client = live.client()
    client.send(sent)
    live.eventually(lambda: live.server.service.active == 1 and next(iter(live.server.service.connections)).held)
    getattr(client, leave)()
    live.eventually(lambda: live.server.service.active == 0 and not live.server.service.connections)
    live.eventually(lambda: len(live.sent) == 1)


def test_what_was_sent_ahead_of_an_end_is_answered(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(0.1)
        return Response(request.path)

    live = serve(handler, header_timeout=0.2)  # a tick is 50 ms
    client = live.client()
    paths = [b"/%d" % number for number in range(9)] + [b"/last"]
    client.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths))
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.answer()[2] for _ in paths[:-1]] == paths[:-1]
    assert client.to_end() == b""  # nothing is behind the last one, so that its client is seen to have left


@pytest.mark.parametrize("keep", [False, True])
def test_an_upload_that_is_read_slowly_is_read_to_its_end_though_the_client_sends_no_more(
    serve: Serve, keep: bool
) -> None:
    total: list[int] = []

    async def handler(request: Request) -> Response:
        request.keep_running = keep
        got = 0
        if keep:
            await asyncio.sleep(2.5)
        async for chunk in request.stream():
            got += len(chunk)
            if got < 1_000_000:
                await asyncio.sleep(0.4)
        total.append(got)
        return Response("x")

    live = serve(handler, header_timeout=0.2)
    client = live.client()
    size = 2_000_000
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    client.socket.shutdown(socket.SHUT_WR)
    live.eventually(lambda: total == [size], 20)


def test_a_handler_may_outlive_its_client(serve: Serve) -> None:
    done: list[bool] = []

    async def handler(request: Request) -> Response:
        request.keep_running = True
        await asyncio.sleep(0.2)
        done.append(request.signal.aborted)
        return Response("x")

    live = serve(handler)
    client = live.client()
    client.send(GET)
    live.eventually(lambda: live.server.service.active == 1)
    client.close()
    live.eventually(lambda: done == [True])
    live.eventually(lambda: not live.server.service.connections and len(live.sent) == 1)


def test_a_truncated_body_never_looks_complete(serve: Serve) -> None:
    seen: list[str] = []

    async def handler(request: Request) -> Response:
        try:
            async for _ in request.stream():
                pass
        except ClientDisconnected:
            seen.append("broken")
            raise
        seen.append("complete")
        return Response("x")

    live = serve(handler)
    cases = 0
    for framing in (b"Content-Length: 10", b"Transfer-Encoding: chunked"):
        for body in (b"", b"5\r\nhel") if b"chunked" in framing else (b"", b"hello"):
            for leave in ("close", "reset", "half"):
                client = live.client()
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + body)
                live.eventually(lambda: live.server.service.active == 1)
                client.socket.shutdown(socket.SHUT_WR) if leave == "half" else getattr(client, leave)()
                cases += 1
                live.eventually(lambda count=cases: len(seen) == count)
    assert seen == ["broken"] * cases


def test_reading_pauses_when_the_handler_does_not_read(serve: Serve) -> None:
    go = asyncio.Event()
    total: list[int] = []

    async def handler(request: Request) -> Response:
        await go.wait()
        total.append(sum([len(chunk) async for chunk in request.stream()]))
        return Response("x")

    live = serve(handler)
    client = live.client()
    size = 30_000_000
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    client.socket.settimeout(0.5)
    sent = 0
    block = b"x" * 100_000
    try:
        while sent < size:
            sent += client.socket.send(block)
    except TimeoutError:
        pass
    assert sent < 15_000_000, "the server took a body that nobody reads"
    live.call(go.set)
    client.socket.settimeout(5)
    while sent < size:
        sent += client.socket.send(block[: size - sent])
    assert client.answer()[0] == 200
    assert total == [size]


def test_too_many_at_once_are_told_to_come_back(serve: Serve) -> None:
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        await go.wait()
        return Response("x")

    live = serve(handler, max_concurrent_requests=2)
    waiting = [live.client(), live.client()]
    for client in waiting:
        client.send(GET)
    live.eventually(lambda: live.server.service.active == 2)
    excess = live.client()
    for _ in range(2):
        excess.send(GET)
        status, headers, body = excess.answer()
        assert (status, headers["retry-after"]) == (503, "1") and b"error" in body
    live.call(go.set)
    for client in waiting:
        assert client.answer()[0] == 200
    excess.send(GET)
    assert excess.answer()[0] == 200


def test_refusals_of_too_many_wait_for_a_client_that_does_not_read(serve: Serve, loop_kind: str) -> None:
    """Otherwise what it sends ahead would become answers in memory, without an end."""
    go = asyncio.Event()

    async def handler(request: Request) -> Response:
        await go.wait()
        return Response("x")

    live = serve(handler, uvloops=loop_kind == "uvloop", max_concurrent_requests=1, write_timeout=1.0)
    busy = live.client()
    busy.send(GET)
    live.eventually(lambda: live.server.service.active == 1)
    excess = live.client()
    excess.send(GET)
    excess.answer()

    def waiting() -> list[HttpConnection]:
        return [connection for connection in live.server.service.connections if connection.request is None]

    def narrow() -> None:
        for connection in waiting():
            connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    def buffered() -> list[tuple[bool, bool]]:
        return [(item.write_paused, item.transport.get_write_buffer_size() < 200_000) for item in waiting()]

    live.call(narrow)
    count = 15_000
    sender = threading.Thread(target=excess.send, args=(GET * count,))
    sender.start()
    time.sleep(0.5)
    assert live.call(buffered) == [(True, True)]
    for _ in range(count):
        assert excess.answer()[0] == 503
    sender.join(5)
    live.call(go.set)
    assert busy.answer()[0] == 200
    excess.send(GET)
    assert excess.answer()[0] == 200
    live.eventually(lambda: len(live.sent) == 2)
    time.sleep(0.1)
    assert len(live.sent) == 2, "who never reached the handler has nothing to be told"


def test_a_client_that_reads_none_of_its_refusals_is_cut(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(60)
        return Response("x")

    live = serve(handler, max_concurrent_requests=1, write_timeout=0.4, keep_alive_timeout=30.0)
    live.client().send(GET)
    live.eventually(lambda: live.server.service.active == 1)
    excess = live.client()
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - began < 10:
            excess.send(GET * 1000)
    assert time.monotonic() - began < 5
    live.eventually(lambda: len(live.server.service.connections) == 1)
    assert live.sent == []


def test_a_handler_that_is_swapped_serves_the_next_request_of_an_open_connection(serve: Serve) -> None:
    async def old(request: Request) -> Response:
        return Response("old")

    async def new(request: Request) -> Response:
        return Response("new")

    live = serve(old)
    client = live.client()
    client.send(GET)
    assert client.answer()[2] == b"old"
    live.call(lambda: setattr(live.server, "handler", new))
    client.send(GET)
    assert client.answer()[2] == b"new"
