from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.outbox import SMALL, Outbox

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class _Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.written.append(b"".join(pieces))


class _Service:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop


class _Connection:
    def __init__(self) -> None:
        self.service = _Service(asyncio.get_running_loop())
        self.transport = _Transport()
        self.write = self.transport.write
        self.write_pieces = self.transport.writelines
        self.gone = False
        self.given = float("inf")


def _with_outbox(use: Callable[[Outbox, _Connection], Any]) -> None:
    async def run() -> None:
        connection = _Connection()
        await use(Outbox(connection), connection)  # type: ignore[arg-type]  # what it needs of a connection

    asyncio.run(run())


def test_pieces_of_one_step_are_one_write_in_the_next() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        for number in range(10):
            outbox.add(b"%d," % number)
        assert connection.transport.written == []
        await asyncio.sleep(0)
        assert connection.transport.written == [b"0,1,2,3,4,5,6,7,8,9,"]
        await asyncio.sleep(0)
        assert len(connection.transport.written) == 1

    _with_outbox(use)


def test_a_large_piece_goes_out_at_once_and_in_order() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        outbox.add(b"first ")
        outbox.add_large(b"second ", b"third")
        assert b"".join(connection.transport.written) == b"first second third"

    _with_outbox(use)


def test_what_is_collected_is_bounded() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        for _ in range(64):
            outbox.add(bytes(SMALL))
        assert sum(map(len, connection.transport.written)) >= 56 * SMALL

    _with_outbox(use)


def test_a_step_that_takes_long_does_not_hold_back_what_it_gave() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        outbox.add(b"early ")
        time.sleep(0.01)  # the step is to take long
        outbox.add(b"late")
        assert connection.transport.written == [b"early late"]

    _with_outbox(use)


@pytest.mark.parametrize("end", ["gone", "closing"])
def test_nothing_is_written_to_a_connection_that_ended(end: str) -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        outbox.add(b"too late")
        if end == "gone":
            connection.gone = True
        else:
            connection.transport.closing = True
        outbox.add_large(b"even later")
        await asyncio.sleep(0)
        assert connection.transport.written == []

    _with_outbox(use)


def test_a_stream_that_waits_has_been_heard_before(serve: Serve, loop_kind: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"now"
        await asyncio.sleep(5)
        yield b"later"

    async def handler(request: Request) -> Response:
        return Response(chunks())

    client = serve(handler).client()
    began = time.monotonic()
    client.send(GET)
    client.until(b"3\r\nnow\r\n")
    assert time.monotonic() - began < 2
