"""Scheme, host and client of a request, from what its connection and its header fields say.

X-Forwarded-* counts only from a trusted proxy. Reads the fields as they were sent: what middleware puts in their place
later says nothing about who the client is and where it asked.
"""

from __future__ import annotations

from waypost.http.headers import RawHeaders
from waypost.http.host import DEFAULT_PORTS, valid_host
from waypost.http.site import Connection


def scheme_of(connection: Connection, raw: RawHeaders) -> str:
    """ "http" or "https"."""
    if connection.trusted:
        forwarded = _last(sent(raw, b"x-forwarded-proto"))
        if forwarded in ("http", "https"):
            return forwarded
    return connection.scheme


def host_of(connection: Connection, raw: RawHeaders) -> str:
    """Host and port as the client named them; our own where it named none (HTTP/1.0)."""
    if connection.trusted:
        forwarded = _last(sent(raw, b"x-forwarded-host"))
        if forwarded and valid_host(forwarded.encode("latin-1")):
            return forwarded
    host = sent(raw, b"host")
    if host:
        return host
    name, port = connection.server or ("localhost", None)
    return f"{name}:{port}" if port else name


def origin_of(connection: Connection, raw: RawHeaders) -> str:
    """ "https://example.com:8443"."""
    return f"{scheme_of(connection, raw)}://{host_of(connection, raw)}"


def is_own_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether an Origin header names the site that was asked: `scheme` and `host` are the request's."""
    its_scheme, _, its_host = origin.lower().partition("://")
    # TLS may end at a proxy that says nothing, so that an https page may ask for what looks like http; never the
    # other way, or whoever can change plain traffic could use the cookie.
    if its_scheme not in DEFAULT_PORTS or (its_scheme == "http" and scheme == "https"):
        return False
    return its_host.removesuffix(DEFAULT_PORTS[its_scheme]) == host.lower().removesuffix(DEFAULT_PORTS[its_scheme])


def client_of(connection: Connection, raw: RawHeaders) -> str | None:
    """The client's address in canonical form; None over a Unix socket."""
    if not connection.trusted:
        return connection.peer
    return connection.site.proxies.client_ip(connection.peer, sent(raw, b"x-forwarded-for"))


def sent(raw: RawHeaders, wanted: bytes) -> str | None:
    """The value of the field `wanted` (lower case), repeated ones joined; None when there is none."""
    values = [value for name, value in raw if name.lower() == wanted]
    return b", ".join(values).decode("latin-1") if values else None


def _last(value: str | None) -> str | None:
    """The entry that the nearest proxy wrote."""
    return value.rpartition(",")[2].strip() if value else None
