"""Many requests at once: read first, handled then, answered last; in order, in time, and none of them lost."""

from __future__ import annotations

import asyncio
import functools
import random
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

import pytest
from tests.server.test_fuzz import Wire

from waypost.crowd import LOOK_EVERY, MANY
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server import arrivals
from waypost.server.arrivals import HOLD, Answers
from waypost.server.limits import ServerLimits
from waypost.server.protocol import HttpConnection
from waypost.server.service import Service, Successor

Serve = Callable[..., Any]
Paths = list[str]
P = ParamSpec("P")

EAGER = sys.version_info >= (3, 12)  # before, a handler begins a turn later, and not at all when its client has left

GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"


def in_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Many:
    """A service with many connections. seen: the paths that were handled, in order."""

    def __init__(self, kind: type[HttpConnection] = HttpConnection, **limits: float) -> None:
        self.seen: Paths = []
        self.blocking = 0.0  # seconds for which a handler keeps everyone waiting
        self.service = Service(self._handler, ServerLimits(**limits), asyncio.get_running_loop())  # type: ignore[arg-type]  # limits are of various types
        self.service.arrivals.crowd.many = True
        self.connections = [self._connection(kind) for _ in range(MANY + 2)]

    def _connection(self, kind: type[HttpConnection]) -> tuple[HttpConnection, Wire]:
        connection, wire = kind(self.service), Wire()
        connection.connection_made(wire)  # type: ignore[arg-type]  # it has what a connection calls
        return connection, wire

    async def _handler(self, request: Request) -> Response:
        body = await request.bytes()
        self.seen.append(request.path)
        time.sleep(self.blocking)
        return Response(body or request.path)

    async def warm_up(self) -> None:
        """Let each connection send a head: one that comes again is a message that is known to be whole."""
        for connection, wire in self.connections:
            connection.data_received(GET % b"first")
            await self.settle()
            wire.out = b""
        self.service.arrivals.crowd.many = True
        self.seen.clear()

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)


@in_a_loop
async def test_all_are_read_before_the_first_handler_runs() -> None:
    many = Many()
    for message in (GET, POST, POST, GET):  # heads that were judged before are taken in another way
        many.seen.clear()
        for place, (connection, _) in enumerate(many.connections):
            connection.data_received(message % str(place).encode())
            assert many.seen == []
        await many.settle()
        assert many.seen == [f"/{place}" for place in range(len(many.connections))]
    assert all(wire.out.count(b"HTTP/1.1 200") == 4 for _, wire in many.connections)


@in_a_loop
async def test_bytes_of_one_connection_keep_their_order() -> None:
    many = Many()
    connection, wire = many.connections[0]
    for piece in (b"POST /a HTTP/1.1\r\nHo", b"st: a\r\nContent-Length: 4\r\n\r\n", b"1", b"2", b"34" + GET % b"b"):
        connection.data_received(piece)
    many.service.arrivals.crowd.many = False  # so that the next bytes would be taken at once
    connection.data_received(GET % b"c")
    await many.settle()
    assert many.seen == ["/a", "/b", "/c"]
    assert wire.out.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("end", ["eof", "lost"])
@in_a_loop
async def test_a_request_counts_whose_client_leaves_at_once(end: str) -> None:
    many = Many()
    connection, _ = many.connections[0]
    connection.data_received(POST % b"paid")
    if end == "eof":
        connection.eof_received()
    connection.connection_lost(None)
    await many.settle()
    assert many.seen == (["/paid"] if EAGER else [])
    assert many.service.active == 0 and connection not in many.service.connections


@in_a_loop
async def test_what_came_in_the_turn_of_an_upgrade_goes_to_the_successor() -> None:
    class Next(Successor):
        got = b""

        def data_received(self, data: bytes) -> None:
            self.got += data

    many = Many()
    connection, wire = many.connections[0]
    wire.set_protocol = lambda protocol: None  # type: ignore[attr-defined]
    connection.data_received(b"\x81\x80")
    successor = Next()
    connection.take_over(successor)
    await many.settle()
    assert successor.got == b"\x81\x80"
    assert wire.out == b""


async def _at_once(many: Many) -> list[int]:
    """Send a request on each connection, and give how many had been handled when each of the answers was written."""
    written: list[int] = []
    for connection, wire in many.connections:
        connection.write = lambda data, out=wire: (written.append(len(many.seen)), out.write(data))  # type: ignore[assignment]  # a slot may hold any callable
        connection.data_received(GET % b"x")
    await many.settle()
    assert all(wire.out.count(b"HTTP/1.1 200") == 1 for _, wire in many.connections)
    return written


@in_a_loop
async def test_answers_are_written_when_all_handlers_have_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "HOLD", 10.0)
    many = Many()
    await many.warm_up()
    count = len(many.connections)
    one_by_one = list(range(1, count + 1))  # each in a turn of its own
    assert await _at_once(many) == ([count] * count if EAGER else one_by_one)


@in_a_loop
async def test_an_answer_does_not_wait_for_slow_handlers() -> None:
    many = Many()
    await many.warm_up()
    many.blocking = 2 * HOLD
    assert await _at_once(many) == list(range(1, len(many.connections) + 1))


@in_a_loop
async def test_a_client_that_does_not_read_is_not_given_more() -> None:
    many = Many()
    await many.warm_up()
    (connection, wire), *_ = many.connections

    def write(data: bytes) -> None:
        wire.write(data)
        connection.pause_writing()

    connection.write = write  # type: ignore[assignment]  # a slot may hold any callable
    for _ in range(3):
        connection.data_received(GET % b"more")
        await many.settle()
    assert wire.out.count(b"HTTP/1.1 200") == 1 and many.seen == ["/more"]
    connection.resume_writing()
    await many.settle()
    assert wire.out.count(b"HTTP/1.1 200") == 2, "what waited is answered now, and not taken again"


@in_a_loop
async def test_how_many_come_at_once_is_noticed() -> None:
    many = Many()
    await many.warm_up()
    for _ in range(20):  # one at a time
        many.connections[0][0].data_received(GET % b"x")
        await many.settle()
    assert not many.service.arrivals.crowd.many
    for _ in range(3 * LOOK_EVERY // len(many.connections)):
        for connection, _ in many.connections:
            connection.data_received(GET % b"x")
        await many.settle()
    assert many.service.arrivals.crowd.many
    assert all(wire.out.endswith(b"/x") for _, wire in many.connections)


@in_a_loop
async def test_limits_of_time_see_what_has_come() -> None:
    many = Many(header_timeout=1.0, keep_alive_timeout=1.0)
    (slow, slow_wire), (whole, whole_wire), (idle, idle_wire), *_ = many.connections
    slow.data_received(b"G")
    await many.settle()
    now = many.service.clock.now + 10
    slow.data_received(b"E")
    whole.data_received(GET % b"whole")
    many.service.clock.now = now
    for connection in (slow, whole, idle):
        connection.check(now)
    await many.settle()
    assert slow_wire.out.startswith(b"HTTP/1.1 408"), "one byte a turn would hold a connection for ever"
    assert whole_wire.out.startswith(b"HTTP/1.1 200") and not whole_wire.closing
    assert idle_wire.closing and not idle_wire.out


@in_a_loop
async def test_a_server_that_stops_answers_what_has_come() -> None:
    many = Many()
    (asked, wire), (_, idle) = many.connections[:2]
    asked.data_received(GET % b"last")
    many.service.draining = True
    for connection in list(many.service.connections):
        connection.end_idle()
    assert idle.closing and not wire.closing
    await many.settle()
    assert b"connection: close" in wire.out and many.seen == ["/last"]


@in_a_loop
async def test_last_answers_are_written_before_their_connection_ends() -> None:
    many = Many()
    await many.warm_up()
    many.service.draining = True
    for connection, wire in many.connections:
        connection.write = lambda data, out=wire: out.write(data) if not out.closing else None  # type: ignore[assignment]  # a slot may hold any callable
        connection.data_received(GET % b"last")
    await many.settle()
    for _, wire in many.connections:
        assert wire.out.count(b"connection: close") == 1 and wire.closing


@in_a_loop
async def test_one_that_fails_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(HttpConnection):
        __slots__ = ()

        def take_arrived(self, answers: Answers | None = None) -> None:
            if self._arrived.startswith(b"BREAK"):
                self._arrived = b""
                raise RuntimeError("planted")
            super().take_arrived(answers)

    many = Many(Broken)
    for place, (connection, _) in enumerate(many.connections):
        connection.data_received(b"BREAK" if place == 3 else GET % b"x")
    await many.settle()
    assert len(many.seen) == len(many.connections) - 1
    assert [wire.closing for _, wire in many.connections].count(True) == 1
    assert "planted" in caplog.text


def test_on_a_server_with_a_loop_that_was_blocked(serve: Serve, loop_kind: str) -> None:
    seen: Paths = []

    async def handler(request: Request) -> Response:
        seen.append(request.path)
        return Response(request.path)

    live = serve(handler, uvloops=loop_kind == "uvloop")
    clients = [live.client() for _ in range(2 * MANY)]
    for client in clients:
        client.send(GET % b"first")
        client.answer()
    seen.clear()
    live.server.service.arrivals.crowd.many = True
    live.loop.call_soon_threadsafe(time.sleep, 0.3)
    for place, client in enumerate(clients):
        client.send(GET % str(place).encode())
        if place % 4 == 0:
            client.close()
    for place, client in enumerate(clients):
        if place % 4:
            assert client.answer()[2] == f"/{place}".encode()
    handled = [f"/{place}" for place in range(len(clients)) if EAGER or place % 4]
    live.eventually(lambda: sorted(seen) == sorted(handled))


async def _talk(port: int, number: int, rounds: int) -> None:
    """Send one message or several in a row, whole or in pieces, and hold each answer against its request."""
    chance = random.Random(number)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(rounds):
        sent = []
        data = b""
        for place in range(chance.choice((1, 1, 1, 2, 3))):
            body = chance.randbytes(chance.choice((0, 5, 900, 20_000)))
            mark = f"/{number}-{turn}-{place}".encode()
            sent.append(mark + body)
            data += b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (mark, len(body)) + body
        cut = chance.choice((len(data), chance.randrange(len(data))))
        writer.write(data[:cut])
        if cut < len(data):
            await asyncio.sleep(chance.choice((0, 0.001)))
            writer.write(data[cut:])
        for expected in sent:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0])
            assert await reader.readexactly(length) == expected
    writer.close()


def test_every_answer_belongs_to_its_request(serve: Serve, loop_kind: str) -> None:
    async def handler(request: Request) -> Response:
        body = await request.bytes()
        if len(body) == 5:
            await asyncio.sleep(0)
        return Response(request.path.encode() + body)

    live = serve(handler, uvloops=loop_kind == "uvloop")

    async def main() -> None:
        await asyncio.gather(*(_talk(live.port, number, 40) for number in range(4 * MANY)))

    asyncio.run(main())
    live.eventually(lambda: not live.server.service.active)
