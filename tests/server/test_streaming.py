"""Streams of a project on a real server: a body piped into its answer, and what a source sees of its client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.app.project import make_application
from tests.server.conftest import Live

from waypost.http.request import Request
from waypost.http.response import Response

ROUTES = {
    "app/shout/route.py": """
from waypost import Response, TransformStream

max_body_size = 1_000_000_000

async def POST(request):
    shouting = TransformStream(
        transform=lambda chunk, controller: controller.enqueue(chunk.upper()),
        flush=lambda controller: controller.enqueue(b"<end>"),
    )
    return Response(request.body.pipe_through(shouting))
""",
    "app/watch/[kind]/route.py": """
import asyncio
import time
from waypost import ReadableStream, Response, TransformStream

seen = {}

async def ticks(notes):
    try:
        while True:
            yield b"tick"
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        notes.append("cancelled")
        raise
    finally:
        notes.append("finally")

def plain(notes):
    try:
        while True:
            yield b"tick"
            time.sleep(0.02)
    finally:
        notes.append("finally")

async def GET(request, context):
    kind = context.params["kind"]
    notes = seen[kind] = []
    request.signal.add_event_listener("abort", lambda: notes.append("signal"))
    if kind == "plain":
        return Response(plain(notes))
    if kind == "generator":
        return Response(ticks(notes))
    if kind == "piped":
        return Response(ReadableStream.from_(ticks(notes)).pipe_through(TransformStream()))
    if kind == "tee":
        first, second = ReadableStream.from_(ticks(notes)).tee()
        await second.cancel()
        return Response(first)

    async def pull(controller):
        await asyncio.sleep(0.02)
        controller.enqueue(b"tick")

    return Response(ReadableStream(pull=pull, cancel=lambda reason: notes.append(type(reason).__name__)))

async def POST(request, context):
    return {"seen": seen.get(context.params["kind"])}
""",
}

Start = Callable[..., Live]


@pytest.fixture
def live(tmp_path: Path, loop_kind: str) -> Iterator[Live]:
    application = make_application(tmp_path, ROUTES)
    running = Live(application.handle, {"site": application.site}, loop_kind == "uvloop")
    yield running
    running.stop()
    assert running.errors == []


def notes(live: Live, kind: str) -> list[str]:
    client = live.client()
    client.send(f"POST /watch/{kind} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
    result: list[str] = json.loads(client.answer()[2])["seen"]
    return result


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("generator", ["cancelled", "finally", "signal"]),
        ("piped", ["cancelled", "finally", "signal"]),
        ("tee", ["cancelled", "finally", "signal"]),
        ("plain", ["finally", "signal"]),
        ("pull", ["ClientDisconnected", "signal"]),
    ],
)
def test_a_source_sees_within_a_second_that_its_client_left(live: Live, kind: str, expected: list[str]) -> None:
    for leave in ("close", "reset"):
        client = live.client()
        client.send(f"GET /watch/{kind} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.until(b"tick")
        getattr(client, leave)()
        left = time.monotonic()
        while sorted(notes(live, kind)) != expected:
            assert time.monotonic() - left < 1, notes(live, kind)
            time.sleep(0.02)


def test_a_body_is_piped_through_while_it_comes(live: Live) -> None:
    client = live.client()
    client.send(b"POST /shout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    client.until(b"HELLO")
    client.send(b"6\r\n world\r\n")
    client.until(b" WORLD")
    client.send(b"0\r\n\r\n")
    client.until(b"<end>\r\n0\r\n\r\n")
    client = live.client()
    client.send(b"POST /shout HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
    assert client.answer()[2] == b"OK<end>"


def test_a_client_that_does_not_read_can_not_send_on_and_on(live: Live) -> None:
    """Neither side keeps more than a little: the upload comes to a halt with the answer."""
    total = 30_000_000
    client = live.client()
    client.send(b"POST /shout HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % total)
    sent = 0
    client.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        while sent < total:
            sent += client.socket.send(b"x" * min(65_536, total - sent))
    assert sent < total / 2
    client.socket.settimeout(20)

    def send_the_rest() -> None:
        nonlocal sent
        while sent < total:
            sent += client.socket.send(b"x" * min(65_536, total - sent))

    sending = threading.Thread(target=send_the_rest)
    sending.start()
    came = 0
    while came < total:
        came += client.socket.recv(1_000_000).count(b"X")
    sending.join()
    assert came == total


def test_an_upload_that_breaks_off_cuts_the_answer(live: Live) -> None:
    client = live.client()
    client.send(b"POST /shout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    client.until(b"HELLO")
    client.send(b"zz\r\n")
    told = client.to_end()
    assert b"<end>" not in told
    assert not told.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("size", [0, 1_000, 10_000])
def test_a_source_that_never_waits_keeps_nobody_waiting(serve: Callable[..., Live], loop_kind: str, size: int) -> None:
    """Neither those beside a client that reads fast, nor all of them for ever once it has left."""
    ended = threading.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(size)
        finally:
            ended.set()

    async def handler(request: Request) -> Response:
        return Response(endless() if request.path == "/endless" else "here")

    live = serve(handler, uvloops=loop_kind == "uvloop")
    reader, stopped = live.client(), threading.Event()

    def read() -> None:
        while not stopped.is_set():
            with suppress(TimeoutError):
                reader.socket.recv(1_000_000)

    reader.socket.settimeout(0.1)
    reader.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    reading = threading.Thread(target=read)
    reading.start()
    try:
        for _ in range(3):
            assert live.get()[2] == b"here"
    finally:
        stopped.set()
        reading.join()
        reader.close()
    assert ended.wait(5)
    assert live.get()[2] == b"here"
