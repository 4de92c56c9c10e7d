"""Judging heads: what is only visible without a socket."""

from __future__ import annotations

import contextlib

import pytest
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from waypost.server import head
from waypost.server.head import CHUNKED, PLAIN, Refused, judge, repeated


def _judge(line: bytes, *headers: bytes) -> head.Head:
    """Parse with llhttp, as a connection does, and judge."""
    data = line + b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n"
    fields: list[tuple[bytes, bytes]] = []
    target = b""

    class Callbacks:
        def on_url(self, url: bytes) -> None:
            nonlocal target
            target += url

        def on_header(self, name: bytes, value: bytes) -> None:
            fields.append((name, value))

    parser = HttpRequestParser(Callbacks())
    with contextlib.suppress(HttpParserUpgrade):
        parser.feed_data(data)
    return judge(data, parser.get_method(), target, fields, b"", "http")


def test_an_ordinary_head_costs_no_framing_object() -> None:
    assert _judge(b"GET / HTTP/1.1", b"Host: a")[4:] == (0, PLAIN)
    assert _judge(b"GET / HTTP/1.1", b"Host: a", b"Connection: keep-alive")[5] is PLAIN
    assert _judge(b"POST / HTTP/1.1", b"Host: a", b"Content-Length: 5")[5] is PLAIN


@pytest.mark.parametrize("name", [b"host", b"Host", b"HOST", b"hOsT"])
def test_names_in_any_case(name: bytes) -> None:
    assert _judge(b"GET / HTTP/1.1", name + b": a")[3] == b"a"
    with pytest.raises(Refused, match="Two Host"):
        _judge(b"GET / HTTP/1.1", b"Host: a", name + b": a")


def test_values_lose_their_blanks() -> None:
    assert _judge(b"GET / HTTP/1.1", b"Host: a \t ", b"X:  b c\t")[2] == [(b"Host", b"a"), (b"X", b"b c")]


def test_framing() -> None:
    assert _judge(b"POST / HTTP/1.1", b"Host: a", b"Content-Length: 007 ")[4] == 7
    assert _judge(b"POST / HTTP/1.1", b"Host: a", b"Transfer-Encoding: CHUNKED")[4] == CHUNKED
    wishes = _judge(b"GET / HTTP/1.1", b"Host: a", b"Connection: x, Upgrade", b"Upgrade: websocket")[5]
    assert (wishes.upgrade, wishes.keep_alive) == (b"websocket", True)
    assert _judge(b"GET / HTTP/1.1", b"Host: a", b"Upgrade: websocket")[5].upgrade == b""
    assert not _judge(b"GET / HTTP/1.1", b"Host: a", b"Connection: x", b"Connection: CLOSE")[5].keep_alive
    assert not _judge(b"GET / HTTP/1.0")[5].keep_alive
    assert not _judge(b"POST / HTTP/1.1", b"Host: a", b"Expect: 100-continue")[
        5
    ].expects  # there is no body to wait for


def test_the_table_of_names_is_bounded() -> None:
    for number in range(5000):
        _judge(b"GET / HTTP/1.1", b"Host: a", b"x-%d: y" % number)
    assert len(head._names) <= head._NAMES_KEPT
    assert _judge(b"GET / HTTP/1.1", b"Host: b")[3] == b"b"


@given(st.binary(max_size=40))
def test_a_repeated_block_takes_nothing_that_the_parser_refuses(line: bytes) -> None:
    """The short way must never be wider than the long one."""
    _compare(line)


@given(
    st.sampled_from([b"GET", b"POST", b"get", b"GET ", b"QUERY", b"SOURCE", b""]),
    st.sampled_from([b" ", b"  ", b"\t", b""]),
    st.lists(
        st.sampled_from([b"/", b"?", b"#", b"a", b"%", b"\\", b"{", b'"', b"\x7f", b"\x80", b"\r", b"\n", b" ", b"*"])
    ),
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b" http/1.1", b" HTTP/1.1 ", b""]),
)
def test_a_repeated_block_with_a_line_that_is_nearly_right(
    method: bytes, space: bytes, target: list[bytes], end: bytes
) -> None:
    _compare(method + space + b"/" + b"".join(target) + end)


def _compare(line: bytes) -> None:
    short = repeated(line, 100)
    if short is None:
        return
    method, target, _, host, length, wishes = _judge(line, b"Host: a")  # raises if the long way refuses
    path, _, query = target.partition("?")
    assert short == (method, path, query)
    assert host == b"a" and length == 0 and wishes is PLAIN


def test_the_long_way_refuses_by_raising() -> None:
    with pytest.raises(HttpParserError):
        _judge(b"GET /\x80 HTTP/1.1", b"Host: a")
