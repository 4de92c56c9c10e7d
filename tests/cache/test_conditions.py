from __future__ import annotations

import time

import pytest

from waypost.cache.conditions import interesting_fields, none_match


@pytest.mark.parametrize(
    ("header", "etag", "expected"),
    [
        (b'"a"', b'"a"', True),
        (b'W/"a"', b'"a"', True),
        (b'"a"', b'W/"a"', True),
        (b'"b", "a"', b'"a"', True),
        (b'"b",W/"a"', b'"a"', True),
        (b"*", b'"a"', True),
        (b" * ", b'"a"', True),
        (b'"a,b"', b'"a,b"', True),
        (b'"a,b"', b'"a"', False),
        (b'"b"', b'"a"', False),
        (b"a", b'"a"', False),
        (b'"a', b'"a"', False),
        (b"", b'"a"', False),
        (b'"A"', b'"a"', False),
        (b'"*"', b'"a"', False),
        (b'"", "a"', b'"a"', True),
    ],
)
def test_if_none_match_compares_weakly(header: bytes, etag: bytes, expected: bool) -> None:
    assert none_match(header, etag) is expected


@pytest.mark.parametrize("piece", [b'"', b'W/"', b",", b'"a",', b'"\xff', b"W/"])
def test_a_long_header_takes_no_long_time(piece: bytes) -> None:
    header = piece * (65_536 // len(piece))
    began = time.process_time()
    none_match(header, b'"a"')
    assert time.process_time() - began < 0.1


def test_only_two_fields_matter_to_a_hit() -> None:
    assert interesting_fields([]) == (None, False)
    assert interesting_fields([(b"Host", b"x"), (b"x-none-match!", b"1"), (b"Cookie", b"a=1")]) == (None, False)
    assert interesting_fields([(b"IF-NONE-MATCH", b'"a"')]) == (b'"a"', False)
    assert interesting_fields([(b"if-none-match", b'"a"'), (b"If-None-Match", b'"b"')]) == (b'"a","b"', False)
    assert interesting_fields([(b"cookie", b"x=1; __prerender_bypass=z")]) == (None, True)
    assert interesting_fields([(b"x-cook", b"__prerender_bypass=z")]) == (None, False)
