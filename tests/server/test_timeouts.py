"""Limits of time, each struck by a client that is too slow for it and left alone by one that is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from waypost.http.date import http_date
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.limits import ServerLimits
from waypost.server.timeouts import NEVER, Clock, tick_for

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def read(request: Request) -> Response:
    return Response(await request.bytes())


def _seconds(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


def test_a_silent_connection_ends(serve: Serve) -> None:
    """From accept, not from the first byte: else silent connections would fill the worker."""
    live = serve(read, header_timeout=0.4)
    client = live.client()
    assert 0.3 <= _seconds(client.to_end) < 1.5


def test_a_slow_head_is_told_and_ends(serve: Serve) -> None:
    live = serve(read, header_timeout=0.4)
    client = live.client()
    began = time.monotonic()
    answer = b""
    try:
        for byte in GET:
            client.send(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        pass
    answer = client.to_end()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 2.5


def test_the_time_of_a_later_head_starts_with_its_first_byte(serve: Serve) -> None:
    live = serve(read, header_timeout=0.4, keep_alive_timeout=10.0)
    client = live.client()
    client.send(GET)
    client.answer()
    assert client.quiet(0.8)
    client.send(GET[:5])
    assert client.to_end(3).startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_ends_after_its_time(serve: Serve) -> None:
    live = serve(read, keep_alive_timeout=0.4)
    client = live.client()
    client.send(GET)
    client.answer()
    assert client.quiet(0.25)
    client.send(GET)
    client.answer()
    assert 0.3 <= _seconds(client.to_end) < 1.5


def test_a_silent_body_is_a_408(serve: Serve) -> None:
    live = serve(read, body_timeout=0.4)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal")
    began = time.monotonic()
    status, headers, _ = client.answer()
    assert (status, headers["connection"]) == (408, "close")
    assert 0.3 <= time.monotonic() - began < 1.5


def test_a_body_is_never_cut_before_its_time(serve: Serve) -> None:
    """Wherever it stops between two ticks, and when it was we who held it up until then."""
    waited: list[float] = []

    async def handler(request: Request) -> Response:
        if request.path == "/later":
            await asyncio.sleep(0.3)
        began = time.monotonic()
        try:
            return Response(await request.bytes())
        finally:
            waited.append(time.monotonic() - began)

    live = serve(handler, body_timeout=1.0)  # a tick is 0.25 s
    clients = []
    for _ in range(4):
        for path, start in ((b"/", b"x"), (b"/later", b"x" * 70_000)):
            clients.append(live.client())
            clients[-1].send(b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n%b" % (path, start))
        time.sleep(0.06)
    assert [client.answer()[0] for client in clients] == [408] * 8
    assert 1.0 <= min(waited) <= max(waited) < 4


def test_a_body_that_trickles_is_a_408(serve: Serve) -> None:
    live = serve(read, body_timeout=0.4, min_body_rate=1000)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
    began = time.monotonic()
    while time.monotonic() - began < 3 and client.quiet(0.1):
        client.send(b"x")
    assert client.answer()[0] == 408
    assert time.monotonic() - began < 2


def test_a_body_that_is_fast_enough_may_take_long(serve: Serve) -> None:
    live = serve(read, body_timeout=0.3, min_body_rate=1000)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
    for _ in range(15):
        client.send(b"x" * 200)
        time.sleep(0.1)
    assert client.answer()[0] == 200


def test_a_body_that_we_hold_back_is_not_late(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(1.0)
        return Response(str(len(await request.bytes())))

    live = serve(handler, body_timeout=0.3)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
    assert client.answer()[2] == b"300000"
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert client.answer()[0] == 100
    client.send(b"abc")
    assert client.answer()[2] == b"3"


def test_a_body_that_nobody_reads_ends_in_time(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        return Response("unread")

    live = serve(handler)
    client = live.client()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhal")
    assert client.answer()[0] == 200
    assert _seconds(lambda: client.to_end(10)) < 8


def test_a_handler_that_is_too_slow_is_a_504(serve: Serve) -> None:
    ended: list[str] = []

    async def handler(request: Request) -> Response:
        if request.path == "/fast":
            await asyncio.sleep(0.1)
            return Response("fast")
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")
        return Response("slow")

    live = serve(handler, handler_timeout=0.4)
    assert live.get("/fast")[0] == 200
    began = time.monotonic()
    status, headers, _ = live.get()
    assert (status, headers["connection"]) == (504, "close")
    assert 0.3 <= time.monotonic() - began < 1.5
    assert ended == ["ended"]


def test_the_time_of_a_handler_ends_with_its_response_and_not_with_its_stream(serve: Serve) -> None:
    async def ticks() -> AsyncIterator[bytes]:
        for _ in range(5):
            await asyncio.sleep(0.2)
            yield b"tick"

    async def handler(request: Request) -> Response:
        if request.path == "/late":
            await asyncio.sleep(0.1)
        return Response(ticks())

    live = serve(handler, handler_timeout=0.4)
    assert live.get("/late")[2] == b"tick" * 5
    assert live.get("/at-once")[2] == b"tick" * 5


def test_without_a_limit_a_handler_may_take_its_time(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        await asyncio.sleep(1.2)
        return Response("slow")

    live = serve(handler, header_timeout=0.2, keep_alive_timeout=0.2, body_timeout=0.2, write_timeout=0.2)
    assert live.get()[2] == b"slow"


def test_the_clock() -> None:
    class Item:
        def __init__(self, deadline: float) -> None:
            self.deadline = deadline
            self.checked = 0

        def check(self, now: float) -> None:
            self.checked += 1
            self.deadline = NEVER

    async def main() -> None:
        loop = asyncio.get_running_loop()
        early, late = Item(loop.time() + 0.05), Item(NEVER)
        items = {early, late}
        clock = Clock(loop, items, 0.02)
        failures: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        ticks: list[float] = []
        clock.every_tick(lambda: ticks.append(clock.now))
        clock.every_tick(lambda: 1 / 0)
        clock.start()
        await asyncio.sleep(0.3)
        clock.stop()
        count = len(ticks)
        assert count > 4, "a callback that failed stopped the clock"
        assert failures
        assert (early.checked, late.checked) == (1, 0)
        await asyncio.sleep(0.06)
        assert len(ticks) == count
        assert clock.after(0) == NEVER
        assert clock.after(5) >= loop.time() + 4.5

    asyncio.run(main())


def test_dates_and_ticks() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert tick_for(ServerLimits()) == 1.0
    assert tick_for(ServerLimits(write_timeout=0.4)) == 0.1
