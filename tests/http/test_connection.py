from __future__ import annotations

import pytest

from waypost.http.request import incoming
from waypost.http.site import Connection, Site, TrustedProxies


def test_requests_with_one_list_of_fields_have_headers_of_their_own() -> None:
    """A server gives the same list for each request of a connection that has the same head."""
    connection = Connection("http", "127.0.0.1", None, Site())
    raw = [(b"Host", b"a"), (b"X-Kind", b"one")]
    first = incoming("GET", "/", raw, None, connection)
    first.headers.set("x-kind", "changed")
    first.headers.append("x-more", "1")
    second = incoming("GET", "/", raw, None, connection)
    assert second.headers.entries() == [("host", "a"), ("x-kind", "one")]
    assert raw == [(b"Host", b"a"), (b"X-Kind", b"one")]


def test_another_list_is_read_anew() -> None:
    connection = Connection("http", "127.0.0.1", None, Site())
    for value in (b"one", b"two", b"one"):
        request = incoming("GET", "/", [(b"X-KIND", value)], None, connection)
        assert request.headers.get("x-kind") == value.decode()


@pytest.mark.parametrize(
    ("peer", "ip"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::ffff:102:304", "1.2.3.4"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("testclient", "testclient"),
        ("a:b", "a:b"),
        ("", ""),
        (None, None),
    ],
)
def test_a_peer_has_one_form_whoever_names_it(peer: str | None, ip: str | None) -> None:
    proxies = TrustedProxies(["1.2.3.4", "fe80::/10"])
    for site in (Site(), Site(proxies=proxies)):
        connection = Connection("http", peer, None, site)
        assert incoming("GET", "/", [], None, connection).ip == ip
    assert connection.trusted == (ip in ("1.2.3.4", "fe80::1"))
    told = incoming("GET", "/", [(b"X-Forwarded-For", b"::ffff:9.9.9.9")], None, connection).ip
    assert told == ("9.9.9.9" if connection.trusted else ip)
