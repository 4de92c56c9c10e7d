from __future__ import annotations

import asyncio
import email
import email.policy
import json
import time
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.http.ranges import MAX_RANGES, ByteRanges, Span, parse_ranges

RANGES = json.loads((Path(__file__).parents[1] / "data" / "framework-bad-inputs.json").read_text())["ranges"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 10)]),
        ("bytes=3-5", [(3, 6)]),
        ("bytes=3-99", [(3, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-99", [(0, 10)]),
        ("bytes=-0", []),
        ("bytes=10-", []),
        ("bytes=9999-", []),
        ("bytes=9999-,0-0", [(0, 1)]),
        ("bytes=0-0,2-2", [(0, 1), (2, 3)]),
        ("bytes= 0-0 ,, 2-2 ,", [(0, 1), (2, 3)]),
        ("bytes=2-2,0-0", [(0, 1), (2, 3)]),
        ("bytes=0-4,2-6", [(0, 7)]),
        ("bytes=0-4,5-6", [(0, 7)]),
        ("bytes=0-0,0-0,0-0", [(0, 1)]),
        ("BYTES=0-1", [(0, 2)]),
        ("bytes=5-2", None),
        ("bytes=0-0,5-2", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=,", None),
        ("bytes=a-b", None),
        ("bytes=0 - 1", None),
        ("bytes=1", None),
        ("bytes", None),
        ("bytes=0-0-0", None),
        ("bytes=0-1\n", None),
    ],
)
def test_headers(value: str | None, expected: list[Span] | None) -> None:
    assert parse_ranges(value, 10) == expected


@pytest.mark.parametrize("number", range(len(RANGES)))
def test_headers_of_the_list(number: int) -> None:
    value = RANGES[number]
    spans = parse_ranges(value, 100)
    expected = {
        "bytes=0-0": [(0, 1)], "bytes=0-": [(0, 100)], "bytes=999999999999-": [], "bytes=0-0,2-2": [(0, 1), (2, 3)],
        "bytes=0-0,0-0": [(0, 1)], "BYTES=0-1": [(0, 2)],
    }.get(value)  # fmt: skip
    assert spans == expected


def test_an_empty_body_has_no_range() -> None:
    assert parse_ranges("bytes=0-", 0) == []
    assert parse_ranges("bytes=-5", 0) == []


def test_too_many_ranges_are_not_counted_for_long() -> None:
    assert len(parse_ranges("bytes=" + ",".join(f"{n * 2}-{n * 2}" for n in range(MAX_RANGES)), 10_000) or ()) == 100
    abuse = [
        "bytes=" + ",".join(["0-0"] * 10_000),
        "bytes=" + ",".join(f"{n}-" for n in range(10_000)),
        "bytes=" + ",".join(["5-2"] * 10_000),
        "bytes=" + "," * 1_000_000,
        "bytes=" + " " * 1_000_000 + "0-0",
        "bytes=" + "9" * 1_000_000 + "-",
        "bytes=" + ",".join(["-0"] * 1000),
        "bytes=" + ",".join([f"{n * 2}-{n * 2}" for n in range(101)]),
    ]
    began = time.thread_time()
    assert [parse_ranges(value, 10**9) for value in abuse] == [None] * len(abuse)
    assert time.thread_time() - began < 0.08 * 5  # 10 ms each on a quiet machine


_SPEC = st.tuples(st.integers(0, 60) | st.none(), st.integers(0, 60) | st.none())


@given(st.lists(_SPEC, min_size=1, max_size=8), st.integers(0, 50))
def test_the_spans_hold_just_the_bytes_that_were_asked_for(
    specs: list[tuple[int | None, int | None]], size: int
) -> None:
    wanted: set[int] = set()
    valid = True
    for first, last in specs:
        if first is None:
            valid = valid and last is not None
            wanted |= set(range(max(0, size - (last or 0)), size))
        elif last is not None and last < first:
            valid = False
        else:
            wanted |= set(range(first, min(size, (size if last is None else last) + 1)))
    header = "bytes=" + ",".join(
        "".join(("" if a is None else str(a), "-", "" if b is None else str(b))) for a, b in specs
    )
    spans = parse_ranges(header, size)
    if not valid:
        assert spans is None
        return
    assert spans is not None
    given_bytes = [n for start, stop in spans for n in range(start, stop)]
    assert set(given_bytes) == wanted
    assert len(given_bytes) == len(wanted)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


@given(st.text() | st.text("bytes=-,0123456789 ", max_size=60).map(lambda rest: "bytes=" + rest), st.integers(0, 1000))
def test_no_header_raises(value: str, size: int) -> None:
    spans = parse_ranges(value, size)
    for start, stop in spans or ():
        assert 0 <= start < stop <= size


DATA = bytes(range(200))


async def _data(start: int, stop: int) -> AsyncGenerator[bytes, None]:
    for at in range(start, stop, 7):
        yield DATA[at : min(at + 7, stop)]


def test_a_multipart_body_is_what_it_says() -> None:
    spans = [(0, 3), (10, 60), (199, 200)]
    ranges = ByteRanges(spans, len(DATA), "application/x-test", _data)

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in ranges])

    body = asyncio.run(collect())
    assert len(body) == ranges.length
    message = email.message_from_bytes(
        f"Content-Type: {ranges.content_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP
    )
    parts = list(message.iter_parts())  # type: ignore[attr-defined]  # of EmailMessage, which the policy makes
    assert [part["content-range"] for part in parts] == ["bytes 0-2/200", "bytes 10-59/200", "bytes 199-199/200"]
    boundary = ranges.content_type.partition("boundary=")[2].encode()
    pieces = body.split(b"--" + boundary)[1:-1]
    found = [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces]
    assert found == [DATA[start:stop] for start, stop in spans]


def test_a_source_that_gives_too_little_is_an_error() -> None:
    async def short(start: int, stop: int) -> AsyncGenerator[bytes, None]:
        yield b"x"

    async def collect() -> None:
        async for _ in ByteRanges([(0, 2), (4, 6)], 10, "text/plain", short):
            pass

    with pytest.raises(EOFError):
        asyncio.run(collect())
