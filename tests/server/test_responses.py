"""What goes out: heads, lengths, streams, files; and what a handler can't do to a connection."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from waypost.errors import BadRequest
from waypost.http.payload import BodyStream, FilePayload
from waypost.http.request import Request
from waypost.http.response import Response

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"


def _answering(make: Callable[[], Response]) -> Callable[[Request], Any]:
    async def handler(request: Request) -> Response:
        return make()

    return handler


async def _chunks(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item


def test_the_date_is_now_and_in_the_standard_form(serve: Serve) -> None:
    live = serve(_answering(lambda: Response("x")))
    date = live.get()[1]["date"]
    parsed = time.mktime(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert abs(parsed - time.time()) < 3


def test_the_reason_is_the_handlers_or_the_usual_one(serve: Serve) -> None:
    live = serve(_answering(lambda: Response("x", 404, status_text="Nichts da")))
    assert live.talk(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(
        b"HTTP/1.1 404 Nichts da\r\n"
    )
    live = serve(_answering(lambda: Response("x", 299)))
    assert live.get()[0] == 299


def test_framing_and_hop_by_hop_fields_of_a_handler_are_not_sent(serve: Serve) -> None:
    fields = {
        "connection": "x-a", "keep-alive": "1", "transfer-encoding": "chunked", "te": "trailers", "trailer": "x",
        "upgrade": "h2c", "proxy-connection": "x", "date": "never", "x-a": "kept",
    }  # fmt: skip
    for make in (lambda: Response("abc", headers=fields), lambda: Response(_chunks(b"abc"), headers=fields)):
        client = serve(_answering(make)).client()
        for _ in range(2):
            client.send(GET)
            status, headers, body = client.answer()
            assert (status, body, headers["x-a"]) == (200, b"abc", "kept")
            assert headers["date"] != "never"
            assert not set(headers) & (set(fields) - {"x-a", "date", "transfer-encoding"})


def test_set_cookie_lines_stay_apart(serve: Serve) -> None:
    def make() -> Response:
        response = Response("x")
        response.headers.append("set-cookie", "a=1")
        response.headers.append("set-cookie", "b=2")
        return response

    live = serve(_answering(make))
    client = live.client()
    client.send(GET)
    assert client.until(b"\r\n\r\n").count(b"set-cookie: ") == 2


@pytest.mark.parametrize("said", ["0", "2", "9", "007", "x", "-1", "3, 3"])
def test_a_wrong_length_of_a_buffered_body_is_put_right(serve: Serve, said: str) -> None:
    client = serve(_answering(lambda: Response("abc", headers={"content-length": said}))).client()
    for _ in range(2):
        client.send(GET)
        assert client.answer()[2] == b"abc"


def test_a_handler_may_tell_the_length_that_get_would_have(serve: Serve) -> None:
    client = serve(_answering(lambda: Response(None, headers={"content-length": "1234"}))).client()
    client.send(HEAD + GET)
    assert client.answer(head_only=True)[1]["content-length"] == "1234"
    assert client.answer()[2] == b""


def test_streams_are_chunked_and_keep_the_connection(serve: Serve, loop_kind: str) -> None:
    big = b"x" * 300_000
    live = serve(
        _answering(lambda: Response(_chunks(b"a", b"", "ü", bytearray(b"c"), big))), uvloops=loop_kind == "uvloop"
    )
    client = live.client()
    for _ in range(2):
        client.send(GET)
        status, headers, body = client.answer()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert body == b"a" + "ü".encode() + b"c" + big
    client.send(HEAD + GET)
    assert "transfer-encoding" in client.answer(head_only=True)[1]
    assert client.answer()[2][:1] == b"a"


def test_a_stream_to_http_1_0_ends_with_the_connection(serve: Serve) -> None:
    live = serve(_answering(lambda: Response(_chunks(b"a", b"b"))))
    answer = live.talk(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"ab" and b"transfer-encoding" not in head and b"connection: close" in head


def test_a_stream_of_known_length_is_counted(serve: Serve) -> None:
    for make in (
        lambda: Response(BodyStream(_chunks(b"ab", b"c"), length=3)),
        lambda: Response(_chunks(b"ab", b"c"), headers={"content-length": "3"}),
    ):
        client = serve(_answering(make)).client()
        for _ in range(2):
            client.send(GET)
            _, headers, body = client.answer()
            assert (headers["content-length"], body) == ("3", b"abc")
            assert "transfer-encoding" not in headers


def test_a_stream_that_is_too_short_is_cut(serve: Serve) -> None:
    live = serve(_answering(lambda: Response(BodyStream(_chunks(b"ab"), length=3))))
    client = live.client()
    client.send(GET)
    with pytest.raises(EOFError):
        client.answer()


def test_a_stream_that_is_too_long_ends_at_its_length(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"abcd"
        finally:
            closed.append("closed")

    live = serve(_answering(lambda: Response(BodyStream(chunks(), length=6))))
    answer = live.talk(GET + GET)
    assert answer.endswith(b"\r\n\r\nabcdab")
    assert closed == ["closed"]
    assert "longer than its Content-Length" in caplog.text


@pytest.mark.parametrize("length", [None, 100])
@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_stream_that_fails_is_cut_without_an_end_mark(
    serve: Serve, length: int | None, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"begin"
        await asyncio.sleep(0.02)
        raise error

    live = serve(_answering(lambda: Response(BodyStream(chunks(), length=length))))
    for _ in range(2):
        got = live.talk(GET)
        assert b"begin" in got and not got.endswith(b"0\r\n\r\n")
    assert "GET / failed" in caplog.text


@pytest.mark.parametrize("result", [None, 3, "text", b"bytes", {}, ValueError, object()])
def test_a_result_that_is_no_response_is_a_500(serve: Serve, result: Any) -> None:
    async def handler(request: Request) -> Any:
        return result

    status, _, body = serve(handler).get()
    assert (status, body) == (500, b'{"error":"Internal server error"}')


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), BaseException(), MemoryError()],
)
def test_nothing_that_a_handler_raises_ends_the_worker(serve: Serve, error: BaseException) -> None:
    async def handler(request: Request) -> Response:
        if request.path == "/later":
            await asyncio.sleep(0.01)
        raise error

    live = serve(handler)
    for path in ("/", "/later"):
        assert live.get(path)[0] == 500
    live.eventually(lambda: len(live.sent) == 2)
    assert live.server.service.active == 0


def test_an_http_error_has_its_status(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        raise BadRequest("so")

    assert serve(handler).get()[::2] == (400, b'{"error":"so"}')


def test_a_stalled_reader_holds_the_generator_back(serve: Serve, loop_kind: str) -> None:
    made = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(2000):
            made += 1
            yield b"x" * 50_000

    live = serve(_answering(lambda: Response(chunks())), uvloops=loop_kind == "uvloop")
    client = live.client()
    client.send(GET)
    client.until(b"\r\n\r\n")
    time.sleep(0.3)
    waiting = made
    assert waiting < 400, "the whole stream went into memory"
    time.sleep(0.1)
    assert made == waiting
    assert live.get is not None and live.call(lambda: True)


def test_a_stalled_reader_is_cut_and_its_stream_closed(serve: Serve) -> None:
    closed: list[float] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 50_000
        finally:
            closed.append(time.monotonic())

    live = serve(_answering(lambda: Response(chunks())), write_timeout=0.5)
    client = live.client()
    began = time.monotonic()
    client.send(GET)
    live.eventually(lambda: bool(closed))
    assert 0.5 <= closed[0] - began < 2
    live.eventually(lambda: not live.server.service.connections)


def test_a_stream_that_gives_nothing_for_too_long_is_cut(
    serve: Serve, loop_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            for _ in range(4):
                await asyncio.sleep(0.2)
                yield b"piece"
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            ended.append("finally")

    live = serve(_answering(lambda: Response(chunks())), uvloops=loop_kind == "uvloop", stream_timeout=0.5)
    client = live.client()
    began = time.monotonic()
    client.send(GET)
    told = client.to_end()
    assert told.count(b"piece") == 4
    assert not told.endswith(b"0\r\n\r\n"), "a stream that is cut must not look whole"
    assert 1.2 <= time.monotonic() - began < 4
    live.eventually(lambda: ended == ["cancelled", "finally"])
    assert "was cut: its stream gave nothing for 0.5 s" in caplog.text
    live.eventually(lambda: not live.server.service.connections)


def test_a_stream_whose_client_does_not_read_is_not_silent(serve: Serve) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000

    live = serve(_answering(lambda: Response(BodyStream(chunks(), length=4_000_000))), stream_timeout=0.3)
    client = live.client()
    client.send(GET)
    client.until(b"\r\n\r\n")
    time.sleep(1)
    assert len(client.exactly(4_000_000)) == 4_000_000
    client.send(GET)  # nor does the limit live on behind the stream
    time.sleep(1)
    client.until(b"\r\n\r\n")
    assert len(client.exactly(4_000_000)) == 4_000_000


def test_a_stalled_reader_of_a_buffered_answer_is_cut(serve: Serve) -> None:
    live = serve(_answering(lambda: Response(b"x" * 30_000_000)), write_timeout=0.5)
    for extra in (b"", b"Connection: close\r\n"):
        client = live.client()
        client.send(GET[:-2] + extra + b"\r\n" + GET * 10)
        time.sleep(0.1)
        live.eventually(lambda: not live.server.service.connections)
    live.eventually(lambda: len(live.sent) == 2)


def test_the_next_answer_waits_until_the_last_was_taken(serve: Serve) -> None:
    """Otherwise a client that pipelines and does not read would pile up answers in memory."""
    ran: list[int] = []

    async def handler(request: Request) -> Response:
        ran.append(1)
        return Response(b"x" * 10_000_000)

    live = serve(handler)
    client = live.client()
    client.send(GET * 5)
    time.sleep(0.3)
    assert len(ran) <= 2
    for _ in range(5):
        assert len(client.answer()[2]) == 10_000_000
    assert len(ran) == 5
    live.eventually(lambda: len(live.sent) == 5)


def test_the_next_answer_waits_where_the_last_came_before_its_body_too(serve: Serve) -> None:
    ran: list[int] = []

    async def handler(request: Request) -> Response:
        ran.append(1)
        return Response(b"x" * 10_000_000)

    live = serve(handler)
    client = live.client()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    client.send(head + b"hell")
    for _ in range(4):
        time.sleep(0.1)
        client.send(b"o" + head + b"hell")
    time.sleep(0.1)
    client.send(b"o")
    time.sleep(0.1)
    assert len(ran) <= 2
    for _ in range(5):
        assert len(client.answer()[2]) == 10_000_000
    live.eventually(lambda: len(live.sent) == 5)
    client.send(GET)
    assert len(client.answer()[2]) == 10_000_000


def test_a_client_that_leaves_a_stream_ends_it(serve: Serve, loop_kind: str) -> None:
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0.05)
                yield b"tick\n"
        finally:
            closed.append("closed")

    live = serve(_answering(lambda: Response(chunks())), uvloops=loop_kind == "uvloop")
    for number, leave in enumerate(("close", "reset")):
        client = live.client()
        client.send(GET)
        client.until(b"tick")
        getattr(client, leave)()
        live.eventually(lambda count=number + 1: len(closed) == count, 1)
    live.eventually(lambda: len(live.sent) == 2 and not live.server.service.connections)


def test_a_half_closed_client_is_given_what_was_written_and_only_so_much_time(serve: Serve, loop_kind: str) -> None:
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 50_000
        finally:
            closed.append("closed")

    live = serve(_answering(lambda: Response(chunks())), uvloops=loop_kind == "uvloop", write_timeout=0.8)
    service = live.server.service
    reading, silent = live.client(), live.client()
    for client in (reading, silent):
        client.send(GET)
    live.eventually(lambda: [item.write_paused for item in live.call(service.connections.copy)] == [True, True])
    for client in (reading, silent):
        client.socket.shutdown(socket.SHUT_WR)
    live.eventually(lambda: len(closed) == 2)
    left = live.call(lambda: [item.transport.get_write_buffer_size() for item in service.connections])
    assert len(left) == 2 and all(left), "they are counted for as long as they cost something"
    assert len(reading.to_end()) > max(left)
    live.eventually(lambda: not service.connections, 3)
    assert silent.socket.fileno() >= 0 and len(live.sent) == 2


def test_a_half_closed_client_that_stops_reading_is_cut(serve: Serve) -> None:
    # Not with uvloop, to which an answer is writable again only when all of it was taken.
    live = serve(_answering(lambda: Response(b"x" * 30_000_000)), uvloops=False, write_timeout=0.8)
    client = live.client()
    # Some systems take in tens of megabytes at once, and nothing would be left to wait for.
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    live.eventually(lambda: len(live.server.service.connections) == 1)
    (connection,) = live.call(live.server.service.connections.copy)
    # So that there is much left when the connection counts as writable again.
    live.call(lambda: connection.transport.set_write_buffer_limits(high=10_000_000, low=9_000_000))
    client.send(GET)
    live.eventually(lambda: connection.write_paused)
    client.socket.shutdown(socket.SHUT_WR)
    live.eventually(lambda: connection.gone)
    while connection.write_paused:
        assert client.socket.recv(65_536)
    live.eventually(lambda: not live.server.service.connections, 4)
    assert len(live.sent) == 1


def test_head_closes_the_stream_it_does_not_send(serve: Serve) -> None:
    closed: list[int] = []
    live = serve(_answering(lambda: Response(BodyStream(_chunks(b"abc"), length=3, on_close=lambda: closed.append(1)))))
    client = live.client()
    client.send(HEAD + GET)
    assert client.answer(head_only=True)[1]["content-length"] == "3"
    assert client.answer()[2] == b"abc"
    live.eventually(lambda: closed == [1, 1])


# -- files


@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 5_000_000])
def test_files(serve: Serve, tmp_path: Path, loop_kind: str, size: int) -> None:
    file = tmp_path / "data"
    data = os.urandom(size)
    file.write_bytes(b"skip" + data + b"rest")

    def make() -> Response:
        return Response(FilePayload(os.open(file, os.O_RDONLY), 4, size))

    live = serve(_answering(make), uvloops=loop_kind == "uvloop")
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    client = live.client()
    for _ in range(3):
        client.send(GET)
        assert client.answer()[2] == data
    client.send(HEAD + GET)
    assert client.answer(head_only=True)[1]["content-length"] == str(size)
    assert client.answer()[2] == data
    client.close()
    live.eventually(lambda: not live.server.service.connections)
    if before:
        live.eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


def test_a_file_that_shrinks_while_it_is_sent_is_cut(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "data"
    for size, there in ((50_000, 20), (5_000_000, 100_000)):
        file.write_bytes(b"x" * there)
        live = serve(_answering(lambda size=size: Response(FilePayload(os.open(file, os.O_RDONLY), 0, size))))
        client = live.client()
        client.send(GET)
        with pytest.raises(EOFError):
            client.answer()


def test_a_stalled_download_is_cut_and_its_file_closed(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "data"
    with file.open("wb") as out:
        out.truncate(50_000_000)
    descriptors: list[int] = []

    def make() -> Response:
        descriptors.append(os.open(file, os.O_RDONLY))
        return Response(FilePayload(descriptors[-1], 0, 50_000_000))

    live = serve(_answering(make), write_timeout=0.5)
    client = live.client()
    client.send(GET)
    began = time.monotonic()
    live.eventually(lambda: bool(descriptors) and not _is_open(descriptors[0], file))
    assert 0.4 <= time.monotonic() - began < 3
    leaver = live.client()
    leaver.send(GET)
    leaver.until(b"\r\n\r\n")
    leaver.reset()
    live.eventually(lambda: not live.server.service.connections)


def _is_open(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except OSError:
        return False


def test_access_is_told(serve: Serve) -> None:
    lines: list[tuple[str, int, int]] = []
    live = serve(
        _answering(lambda: Response("abc")),
        access=lambda request, status, size, seconds, cut: lines.append((request.path, status, size)),
    )
    live.get("/x")
    live.talk(b"GET /y HTTP/1.0\r\n\r\n")
    live.eventually(lambda: lines == [("/x", 200, 3), ("/y", 200, 3)])


def test_the_status_that_was_sent_is_told_and_counted_however_the_answer_ends(serve: Serve) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.sleep(30)

    async def failing() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0.05)
        raise RuntimeError("midway")

    async def handler(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.sleep(30)
        if request.path == "/cancelled":
            raise asyncio.CancelledError
        return Response({"/events": events, "/failing": failing}[request.path]())

    lines: list[tuple[str, int, int, bool]] = []
    live = serve(
        handler,
        handler_timeout=0.5,
        access=lambda request, status, size, seconds, cut: lines.append((request.path, status, size, cut)),
    )
    leaver = live.client()
    leaver.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    leaver.until(b"data: 1")
    leaver.close()
    live.talk(b"GET /failing HTTP/1.1\r\nHost: a\r\n\r\n")
    live.talk(b"GET /cancelled HTTP/1.1\r\nHost: a\r\n\r\n")
    early = live.client()
    early.send(b"GET /slow?left HTTP/1.1\r\nHost: a\r\n\r\n")
    live.eventually(lambda: live.server.service.active > 0)
    early.reset()
    live.eventually(lambda: ("/slow", 0, 0, False) in lines)
    live.talk(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    live.eventually(lambda: len(lines) == 5)
    assert set(lines) == {
        ("/events", 200, 9, True),
        ("/failing", 200, 4, True),
        ("/cancelled", 500, 33, False),
        ("/slow", 0, 0, False),
        ("/slow", 504, 29, False),
    }
    assert live.server.service.answers[2:] == [2, 0, 0, 2]


def test_an_answer_to_head_has_no_bytes(serve: Serve) -> None:
    lines: list[int] = []
    live = serve(
        _answering(lambda: Response("abc")),
        access=lambda request, status, size, seconds, cut: lines.append(size),
    )
    client = live.client()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.until(b"\r\n\r\n")
    live.talk(b"HEAD / HTTP/1.0\r\n\r\n")
    live.eventually(lambda: lines == [0, 0])


def test_an_answer_to_head_is_whole_when_the_client_leaves_while_its_source_is_closed(serve: Serve) -> None:
    class Source:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("nobody reads it")

        async def aclose(self) -> None:
            await asyncio.sleep(1)

    lines: list[tuple[int, int, bool]] = []
    live = serve(
        _answering(lambda: Response(BodyStream(Source(), length=5))),
        access=lambda request, status, size, seconds, cut: lines.append((status, size, cut)),
    )
    client = live.client()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.until(b"\r\n\r\n")
    client.close()
    live.eventually(lambda: lines == [(200, 0, False)])


def test_a_handler_that_timed_out_is_logged_and_its_answer_has_the_id(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        request.id = "abc-1"
        await asyncio.sleep(30)
        return Response()

    live = serve(handler, handler_timeout=0.3)
    status, headers, _ = live.get("/slow")
    assert (status, headers["x-request-id"]) == (504, "abc-1")
    assert [record.getMessage() for record in caplog.records] == ["GET /slow was cut: it took more than 0.3 s"]


def test_a_callback_after_the_response_that_fails_is_harmless(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    live = serve(_answering(lambda: Response("abc")))

    def fail(request: Request) -> None:
        raise RuntimeError("no")

    live.call(lambda: setattr(live.server.service, "on_sent", fail))
    client = live.client()
    for _ in range(2):
        client.send(GET)
        assert client.answer()[0] == 200
    with caplog.at_level(logging.ERROR):
        assert "callback after a response failed" in caplog.text
