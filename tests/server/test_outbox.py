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
        self.sent_bytes = 0


def _with_outbox(use: Callable[[Outbox, _Connection], Any], *, chunked: bool = False) -> None:
    async def run() -> None:
        connection = _Connection()
        await use(Outbox(connection, b"head ", chunked), connection)  # type: ignore[arg-type]  # what it needs of one

    asyncio.run(run())


def _add(outbox: Outbox, piece: bytes) -> None:
    outbox.pieces.append(piece)
    outbox.look()


def test_pieces_of_one_step_are_one_write_in_the_next() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        for number in range(10):
            _add(outbox, b"%d," % number)
        assert connection.transport.written == []
        await asyncio.sleep(0)
        assert connection.transport.written == [b"head 0,1,2,3,4,5,6,7,8,9,"]
        await asyncio.sleep(0)
        assert len(connection.transport.written) == 1
        assert connection.sent_bytes == 20

    _with_outbox(use)


def test_the_head_of_a_stream_that_gives_nothing_yet_goes_out() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        await asyncio.sleep(0)
        assert connection.transport.written == [b"head "]

    _with_outbox(use)


def test_pieces_of_one_step_are_one_chunk() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        _add(outbox, b"first ")
        _add(outbox, b"second ")
        await asyncio.sleep(0)
        outbox.schedule()
        _add(outbox, b"third")
        outbox.finish()
        assert connection.transport.written == [b"head d\r\nfirst second \r\n", b"5\r\nthird\r\n0\r\n\r\n"]
        await asyncio.sleep(0)
        assert len(connection.transport.written) == 2

    _with_outbox(use, chunked=True)


@pytest.mark.parametrize(
    ("chunked", "sent"), [(False, b"head first second third"), (True, b"head 6\r\nfirst \r\nc\r\nsecond third\r\n")]
)
def test_a_large_piece_goes_out_at_once_and_in_order(chunked: bool, sent: bytes) -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        _add(outbox, b"first ")
        outbox.add_large(b"second third")
        assert b"".join(connection.transport.written) == sent
        assert connection.sent_bytes == 18

    _with_outbox(use, chunked=chunked)


def test_what_is_collected_is_bounded() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        for _ in range(64):
            _add(outbox, bytes(SMALL))
        assert sum(map(len, connection.transport.written)) >= 56 * SMALL

    _with_outbox(use)


def test_a_step_that_takes_long_does_not_hold_back_what_it_gave() -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        _add(outbox, b"early ")
        time.sleep(0.01)  # the step is to take long
        _add(outbox, b"late")
        assert connection.transport.written == [b"head early late"]

    _with_outbox(use)


@pytest.mark.parametrize("end", ["gone", "closing"])
def test_nothing_is_written_to_a_connection_that_ended(end: str) -> None:
    async def use(outbox: Outbox, connection: _Connection) -> None:
        _add(outbox, b"too late")
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
