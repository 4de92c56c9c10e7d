"""The PROXY protocol: believed from a configured proxy, from nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest

from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.site import Site, TrustedProxies
from waypost.server.proxy_protocol import ProxyHeaderError, parse_proxy_header

Serve = Callable[..., Any]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def _two(source: str, target: str, port: int, extra: bytes = b"") -> bytes:
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
    body = addresses + (1234).to_bytes(2) + port.to_bytes(2) + extra
    family = b"\x11" if ":" not in source else b"\x21"
    return SIGNATURE + b"\x21" + family + len(body).to_bytes(2) + body


GOOD = [
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 443\r\n", ("1.2.3.4", ("5.6.7.8", 443))),
    (b"PROXY TCP6 ::1 ::2 1111 443\r\n", ("::1", ("::2", 443))),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None),
    (_two("1.2.3.4", "5.6.7.8", 443), ("1.2.3.4", ("5.6.7.8", 443))),
    (_two("2001:db8::1", "::2", 80, b"\x03\x00\x04abcd"), ("2001:db8::1", ("::2", 80))),
    (SIGNATURE + b"\x20\x00\x00\x00", None),
]


@pytest.mark.parametrize(("header", "expected"), GOOD)
def test_headers(header: bytes, expected: object) -> None:
    assert parse_proxy_header(header + b"rest") == (len(header), expected)
    for cut in range(len(header)):
        assert parse_proxy_header(header[:cut]) is None


@pytest.mark.parametrize(
    "header",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1111\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 99999\r\n",
        b"PROXY TCP4 ::1 ::2 1111 443\r\n",
        b"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
        b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
        b"PROXY " + b"x" * 200,
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_malformed_headers(header: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        parse_proxy_header(header)


async def handler(request: Request) -> Response:
    return Response(f"{request.ip}")


def test_a_configured_proxy_is_believed(serve: Serve) -> None:
    live = serve(handler, proxy_protocol=True, site=Site(proxies=TrustedProxies(["127.0.0.1"])))
    for header, expected in GOOD:
        client = live.client()
        client.send(header + GET)
        assert client.answer()[2].decode() == (expected[0] if expected else "127.0.0.1")  # type: ignore[index]  # a tuple
        client.send(GET)
        assert client.answer()[0] == 200
    client = live.client()
    for byte in GOOD[4][0] + GET:
        client.send(bytes([byte]))
    assert client.answer()[2] == b"1.2.3.4"
    assert live.talk(GET) == b""


def test_an_address_that_is_told_has_the_form_that_every_other_has(serve: Serve) -> None:
    live = serve(handler, proxy_protocol=True, site=Site(proxies=TrustedProxies(["127.0.0.1"])))
    for header in (
        b"PROXY TCP6 ::ffff:1.2.3.4 ::1 1111 443\r\n",
        b"PROXY TCP6 ::ffff:102:304 ::1 1111 443\r\n",
        _two("::ffff:1.2.3.4", "::1", 443),
    ):
        client = live.client()
        client.send(header + GET)
        assert client.answer()[2] == b"1.2.3.4"


def test_a_stranger_is_cut(serve: Serve) -> None:
    live = serve(handler, proxy_protocol=True)
    assert live.talk(GOOD[0][0] + GET) == b""


def test_a_silent_proxy_is_cut(serve: Serve) -> None:
    live = serve(handler, proxy_protocol=True, header_timeout=0.3, site=Site(proxies=TrustedProxies(["127.0.0.1"])))
    assert live.client().to_end(3) == b""
