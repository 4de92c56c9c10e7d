from __future__ import annotations

from waypost.http.request import incoming
from waypost.http.site import Connection, Site


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
