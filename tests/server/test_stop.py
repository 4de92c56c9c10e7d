"""The end of a server: nobody who was served or is being served loses his answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from waypost.http.request import Request
from waypost.http.response import Response

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def quick(request: Request) -> Response:
    return Response("x")


def test_a_kept_connection_gets_its_answer_and_is_told_to_end(serve: Serve) -> None:
    live = serve(quick)
    client = live.client()
    client.send(GET)
    assert "connection" not in client.answer()[1]
    live.call(live.server.drain)
    client.send(GET)
    assert client.answer()[1]["connection"] == "close"
    assert client.to_end() == b""
    assert live.get()[1]["connection"] == "close"


def test_what_runs_is_finished(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(1.0)
        return Response("done")

    live = serve(handler)
    clients = [live.client() for _ in range(20)]
    for client in clients:
        client.send(GET)
    live.eventually(lambda: live.server.service.active == 20)
    began = time.monotonic()
    live.run(live.server.stop(5))
    assert time.monotonic() - began < 3
    for client in clients:
        status, headers, body = client.answer()
        assert (status, headers["connection"], body) == (200, "close", b"done")
    with pytest.raises(OSError):
        live.client()


def test_an_idle_server_stops_at_once(serve: Serve) -> None:
    live = serve(quick)
    live.get()
    live.eventually(lambda: True)
    began = time.monotonic()
    live.run(live.server.stop(10))
    assert time.monotonic() - began < 2


def test_streams_are_asked_to_end_and_end_with_their_end_mark(serve: Serve) -> None:
    reasons: list[Any] = []

    async def handler(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            while not request.signal.aborted:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.02)
            reasons.append(request.signal.reason)
            yield b"data: end\n\n"

        return Response(events())

    live = serve(handler)
    clients = [live.client() for _ in range(10)]
    for client in clients:
        client.send(GET)
        client.until(b"\r\n\r\n")
    began = time.monotonic()
    live.run(live.server.stop(2))
    assert time.monotonic() - began < 3
    for client in clients:
        assert client.to_end().endswith(b"data: end\n\n\r\n0\r\n\r\n")
    assert reasons == ["shutdown"] * 10


def test_what_does_not_end_is_cut_after_the_grace(serve: Serve) -> None:
    ended: list[str] = []

    async def handler(request: Request) -> Response:
        if request.path == "/stream":

            async def ticks() -> AsyncIterator[bytes]:
                try:
                    while True:
                        yield b"tick"
                        await asyncio.sleep(0.02)
                finally:
                    ended.append("stream")

            return Response(ticks())
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("handler")
        return Response("x")

    live = serve(handler)
    hanging, streaming = live.client(), live.client()
    hanging.send(GET)
    streaming.send(GET.replace(b"GET /", b"GET /stream"))
    streaming.until(b"tick")
    began = time.monotonic()
    live.run(live.server.stop(1))
    assert 0.9 <= time.monotonic() - began < 2.5
    assert hanging.answer()[0] == 503
    assert not streaming.to_end().endswith(b"0\r\n\r\n")
    assert sorted(ended) == ["handler", "stream"]


def test_clients_under_load_lose_nothing(serve: Serve) -> None:
    """Closed-loop clients on kept connections: everything that was sent is answered; then connections are refused."""
    live = serve(quick)
    lost: list[str] = []
    answered = [0]
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                client = live.client()
            except OSError:
                return
            try:
                while True:
                    client.send(GET)
                    _, headers, _ = client.answer()
                    answered[0] += 1
                    if headers.get("connection") == "close":
                        break
            except (OSError, EOFError) as error:
                lost.append(repr(error))
            client.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    live.run(live.server.stop(5))
    ended.set()
    for thread in threads:
        thread.join(5)
    assert lost == []
    assert answered[0] > 100
