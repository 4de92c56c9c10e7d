"""Frames that nobody would send: nothing fails, one close frame ends it, and segments change nothing.

`python tests/server/test_websocket_fuzz.py --seconds 600` mutates the seeds for as long as it is told.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import struct
import sys
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, handshake
from tests.server.test_fuzz import Wire

from waypost.errors import WebSocketDisconnect
from waypost.http.link import Link
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.websocket import switching_protocols
from waypost.server.limits import ServerLimits
from waypost.server.protocol import HttpConnection
from waypost.server.service import Service
from waypost.server.websocket import upgrade

LIMIT = 300  # bytes of a message
SEEDS = [
    frame(TEXT, b"hello"),
    frame(BINARY, bytes(range(256))),
    frame(TEXT, b"he", fin=False) + frame(PING, b"p") + frame(CONT, b"llo"),
    frame(TEXT, "é€😀".encode(), fin=False) + frame(CONT, b"\xf0\x9f", fin=False) + frame(CONT, b"\x98\x80"),
    frame(BINARY, b"x" * LIMIT) + frame(BINARY, b"x" * (LIMIT + 1)),
    frame(PING, b"x" * 125) + frame(PING, b"x" * 126),
    frame(PONG) + frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, b"after"),
    frame(CLOSE) + frame(CLOSE),
    frame(CLOSE, b"\x03\xee"),
    frame(TEXT, b"\xff") + frame(TEXT, b"x"),
    frame(TEXT, b"x", mask=None),
    frame(TEXT, b"x", rsv=4) + frame(3) + frame(15),
    frame(CONT, b"x") + frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
    b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0abc",
    b"\x81\xfe\x00\x05\0\0\0\0hello",
]


class Wired(Wire):
    """A transport whose protocol can be changed."""

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol


class Echo:
    """A Talk that sends back what it receives, and keeps it."""

    def __init__(self, link: Link) -> None:
        self.link = link

    async def run(self) -> None:
        try:
            while True:
                await self.link.send(await self.link.inbox.get())
        except WebSocketDisconnect:
            pass
        await self.link.closed()

    async def refuse(self) -> None:
        raise AssertionError("nothing refuses it")

    def left(self) -> None:
        pass


async def _handler(request: Request) -> Response:
    assert request.upgrade is not None
    request.upgrade.talk = Echo(request.upgrade)
    return switching_protocols()


async def _feed(pieces: list[bytes]) -> tuple[bytes, bool]:
    """What is written behind the 101, and whether the connection ended."""
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: failures.append(context))
    service = Service(_handler, ServerLimits(websocket_max_size=LIMIT), loop, upgrade=upgrade)
    connection, wire = HttpConnection(service), Wired()
    connection.connection_made(wire)  # type: ignore[arg-type]  # it has what a connection calls
    connection.data_received(handshake())
    for _ in range(8):
        await asyncio.sleep(0)
    protocol = wire.protocol
    for piece in pieces:
        if wire.closing:
            break
        protocol.data_received(piece)
        for _ in range(4):
            await asyncio.sleep(0)
    for _ in range(len(pieces[0]) // 8 + 20 if pieces else 0):
        await asyncio.sleep(0)
    ended = wire.closing or wire.ended
    protocol.connection_lost(None)
    for _ in range(8):
        await asyncio.sleep(0)
    assert failures == []
    assert service.active == 0 and not service.connections, "something of the connection is left"
    return wire.out.partition(b"\r\n\r\n")[2], ended


def read(out: bytes) -> list[tuple[int, bytes]]:
    """The frames of a server; raises AssertionError for what is none."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(out):
        first, size = out[at], out[at + 1]
        assert first & 0xF0 == 0x80 and size < 127, "whole frames, unmasked"
        at += 2
        if size == 126:
            (size,) = struct.unpack_from("!H", out, at)
            at += 2
        assert at + size <= len(out), "a frame is cut"
        found.append((first & 15, out[at : at + size]))
        at += size
    return found


def check(data: bytes, cuts: list[int]) -> None:
    """The rules that hold for any bytes; raises AssertionError."""
    whole, ended = asyncio.run(_feed([data]))
    frames = read(whole)
    closes = [place for place, (opcode, _) in enumerate(frames) if opcode == CLOSE]
    assert len(closes) <= 1 and closes in ([], [len(frames) - 1]), "one close frame, the last"
    assert bool(closes) == ended
    for opcode, payload in frames:
        assert opcode in (TEXT, BINARY, PONG, CLOSE)
        if opcode == TEXT:
            payload.decode()
        assert len(payload) <= LIMIT
    if closes and len(frames[-1][1]) >= 2:
        code = int.from_bytes(frames[-1][1][:2], "big")
        assert 1000 <= code < 5000 and code not in (1004, 1005, 1006, 1015)
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if start < end]
    split, split_ended = asyncio.run(_feed(pieces))
    assert split_ended == ended
    split_frames = read(split)
    if ended:
        # Where two mistakes come in one segment, the reader of frames sees the second before the first is looked at as
        # text; and an echo or a pong behind which the end came in the same segment has nobody to go to.
        assert _same_end(frames[-1][1], split_frames[-1][1]), f"{frames[-1]}, in pieces {split_frames[-1]}"
    for kinds in ((PONG,), (TEXT, BINARY)):
        found, split_found = ([item for item in both if item[0] in kinds] for both in (frames, split_frames))
        shorter = min(len(found), len(split_found))
        assert found[:shorter] == split_found[:shorter]
        assert ended or found == split_found


def _same_end(one: bytes, other: bytes) -> bool:
    return one == other or b"\x03\xef" in (one[:2], other[:2])


def frames() -> st.SearchStrategy[bytes]:
    """Frames, most of them nearly right."""
    return st.builds(
        lambda opcode, data, fin, rsv, mask: frame(opcode, data, fin=fin, rsv=rsv, mask=mask),
        st.sampled_from([TEXT, TEXT, BINARY, CONT, CONT, PING, PONG, CLOSE, 3, 11]),
        st.one_of(st.binary(max_size=140), st.text(max_size=30).map(str.encode), st.just(b"x" * 299)),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([0, 0, 0, 0, 0, 0, 1, 4]),
        st.sampled_from([b"abcd", b"abcd", b"\0\0\0\0", b"\xff\0\xff\0", None]),
    )  # fmt: skip


CUTS = st.lists(st.integers(0, 5000), max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(frames(), max_size=8).map(b"".join), CUTS)
def test_sequences_of_frames(data: bytes, cuts: list[int]) -> None:
    check(data, cuts)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), CUTS)
def test_bytes(data: bytes, cuts: list[int]) -> None:
    check(data, cuts)


def test_the_seeds_byte_by_byte() -> None:
    for seed in SEEDS:
        check(seed, list(range(len(seed))) if len(seed) < 700 else [1, 2, 3, 10])


def mutated(seed: bytes, dice: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        change = dice.randrange(4)
        if change == 0 and at < len(data):
            data[at] = dice.randrange(256)
        elif change == 1:
            data[at:at] = dice.choice(SEEDS)
        elif change == 2:
            del data[at : at + dice.randint(1, 8)]
        elif at < len(data):
            data[at] ^= 1 << dice.randrange(8)
    return bytes(data)


def test_mutated_seeds() -> None:
    dice = random.Random(6455)
    for _ in range(150):
        check(mutated(dice.choice(SEEDS), dice), [dice.randrange(600) for _ in range(3)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    dice, count, end = random.Random(options.seed), 0, time.monotonic() + options.seconds
    while time.monotonic() < end:
        data = mutated(dice.choice(SEEDS), dice)
        try:
            check(data, [dice.randrange(600) for _ in range(4)])
        except BaseException:
            print(f"seed {options.seed}, case {count}: {data!r}")
            raise
        count += 1
    print(f"{count} cases, seed {options.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
