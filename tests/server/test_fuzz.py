"""The protocol under bytes that nobody would send: it never fails, never answers too much, never depends on segments.

Here Hypothesis makes sequences of messages; `python bench/fuzz/run.py protocol` mutates the probes for as long as it is
told, guided by coverage where atheris is installed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.limits import ServerLimits
from waypost.server.protocol import HttpConnection
from waypost.server.service import Service

SEEDS = json.loads((Path(__file__).parent / "data" / "http1-probes.json").read_text())
_DATE = re.compile(rb"date: [^\r]+\r\n")
_FINAL = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ")
# The handler's answers carry a mark that no request can make it write elsewhere.
_BODY = re.compile(rb"\r\n\r\n<[^>]*>")


class Wire:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.out = b""
        self.closing = self.ended = False

    def write(self, data: bytes) -> None:
        assert not self.ended, "a write after the end"
        self.out += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name.endswith("name") else None


async def _handler(request: Request) -> Response:
    if request.path == "/late":
        await asyncio.sleep(0)
    body = await request.bytes()
    return Response(f"<{request.method} {len(request.path)} {len(body)}>")


async def _feed(pieces: list[bytes], *, many: bool = False) -> tuple[bytes, bool]:
    """What is written for these segments, and whether the connection ended. many: as one of many connections."""
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: failures.append(context))
    service = Service(_handler, ServerLimits(max_url_size=2000, max_header_size=4000, max_headers=30), loop)
    connection, wire = HttpConnection(service), Wire()
    connection.connection_made(wire)  # type: ignore[arg-type]  # it has what a connection calls
    for piece in pieces:
        if wire.closing or wire.ended:
            break
        service.arrivals.crowd.many = many  # it forgets when few come
        connection.data_received(piece)
        for _ in range(0 if many else 4):  # of many connections, some get several segments in one turn
            await asyncio.sleep(0)
    for _ in range(6 + 4 * len(pieces)):
        await asyncio.sleep(0)
    ended = wire.closing or wire.ended
    connection.connection_lost(None)
    for _ in range(6):
        await asyncio.sleep(0)
    assert failures == []
    assert service.active == 0 and not service.connections, "something of the connection is left"
    return _DATE.sub(b"", wire.out), ended


def check(data: bytes, cuts: list[int]) -> None:
    """The rules that hold for any bytes; raises AssertionError."""
    whole, ended = asyncio.run(_feed([data]))
    finals = [int(status) for status in _FINAL.findall(whole)]
    for status in finals[:-1]:
        assert status == 200, f"something ran behind a refused message: {finals}"
    if finals and finals[-1] >= 400:
        assert ended, "the connection goes on behind a refused message"
    assert 500 not in finals
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if start < end]
    split, split_ended = asyncio.run(_feed(pieces))
    split_finals = [int(status) for status in _FINAL.findall(split)]
    # Which of two reasons a message is refused for may depend on what came first; that it is refused may not.
    same = [min(status, 400) for status in split_finals] == [min(status, 400) for status in finals]
    assert same, f"{finals} in one segment, {split_finals} in {len(pieces)}"
    assert _BODY.findall(split) == _BODY.findall(whole)
    assert split_ended == ended
    assert asyncio.run(_feed(pieces, many=True)) == (split, split_ended)


def _names() -> st.SearchStrategy[bytes]:
    known = [
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Expect",
        b"Upgrade",
        b"X",
        b"content_length",
    ]
    return st.sampled_from(known) | st.binary(max_size=6)


_VALUES = st.sampled_from(
    [
        b"a",
        b"5",
        b"0",
        b"chunked",
        b"close",
        b"keep-alive",
        b"upgrade",
        b"h2c",
        b"100-continue",
        b"",
        b" a ",
        b"5, 5",
        b"b",
    ]
) | st.binary(max_size=12)
_METHODS = st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"CONNECT"])
_TARGETS = st.sampled_from([b"/", b"/late", b"*", b"http://a/x", b"/?q", b"/" + b"x" * 2500, b"//", b"a"])
_BODIES = st.sampled_from(
    [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n", b"3;x\r\n\r\n\r\r\n0\r\nT: u\r\n\r\n", b"\r\n\r\n"]
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message that is nearly right, or right."""
    method, target, body = draw(_METHODS), draw(_TARGETS), draw(_BODIES)
    version = draw(st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/2.0", b""]))
    headers = [(b"Host", b"a")] if draw(st.integers(0, 5)) else []
    framing = draw(st.integers(0, 3))
    if framing == 1:
        headers.append((b"Content-Length", b"%d" % len(body)))
    elif framing == 2:
        headers.append((b"Transfer-Encoding", b"chunked"))
    if not draw(st.integers(0, 2)):
        headers += draw(st.lists(st.tuples(_names(), _VALUES), max_size=3))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return method + b" " + target + b" " + version + b"\r\n" + lines + b"\r\n" + (body if framing else b"")


@settings(max_examples=250, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=4), st.lists(st.integers(0, 4000), max_size=6))
def test_sequences_of_messages(parts: list[bytes], cuts: list[int]) -> None:
    check(b"".join(parts), cuts)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_arbitrary_bytes(data: bytes, cuts: list[int]) -> None:
    check(data, cuts)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [b"POST /a HTTP/1.1", b"GET /a HTTP/1.1", b"PUT /b HTTP/1.1", b"POST /a HTTP/1.0", b"GET /a  HTTP/1.1"]
    ),
    st.sampled_from(
        [b"5", b"05", b"6", b"4", b"0", b"", b"+5", b" 5", b"5 ", b"5\r\nX: y", b"x", b"99999999999999999999"]
    ),
    st.sampled_from([b"hello", b"", b"hello!", b"hell", b"helloGET / HTTP/1.1\r\nHost: a\r\n\r\n"]),
    st.sampled_from([b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n"]),
)
def test_a_connection_that_knows_the_headers_judges_as_a_new_one(
    line: bytes, length: bytes, body: bytes, extra: bytes
) -> None:
    def message(line: bytes, length: bytes, extra: bytes) -> bytes:
        return line + b"\r\nHost: a\r\nContent-Length: " + length + b"\r\nZ: z\r\n" + extra + b"\r\n"

    first = message(b"POST /a HTTP/1.1", b"5", b"") + b"hello"
    second = message(line, length, extra) + body
    alone, alone_ended = asyncio.run(_feed([second]))
    both, both_ended = asyncio.run(_feed([first, second]))
    known, _ = asyncio.run(_feed([first]))
    assert both == known + alone
    assert both_ended == alone_ended


def test_the_probes_in_pieces() -> None:
    for number, seed in enumerate(_seeds()):
        if len(seed) < 5000:
            check(seed, list(range(1 + number % 3, len(seed), 3 + number % 11)))


def _seeds() -> Iterator[bytes]:
    for probe in SEEDS:
        if probe.get("request_hex"):
            yield bytes.fromhex(probe["request_hex"])
        else:
            yield zlib.decompress(base64.b64decode(probe["request_zlib_base64"]))
