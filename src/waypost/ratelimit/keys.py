"""Whom a hit is counted for."""

from __future__ import annotations

import hashlib
from typing import Final

from waypost.http.request import Request
from waypost.http.site import parse_ip

_LONGEST: Final = 200


def client_key(request: Request) -> str:
    """The client's network: an IPv4 address, or the /64 of an IPv6 one, which is what one customer is given.

    The address is request.ip: the socket's peer, or what a configured proxy says; no other X-Forwarded-For counts.
    IPv4 mapped into IPv6 is IPv4. "local" for a Unix socket without a proxy that is trusted.
    """
    ip = request.ip
    if ip is None:
        return "local"
    if ":" not in ip:
        return ip
    address = parse_ip(ip.partition("%")[0])
    if address is None:
        return ip
    if address.version == 4:
        return str(address)
    return f"{address.exploded[:19]}::/64"


def stored_key(name: str, key: str) -> str:
    """The key in the store, of bounded length and plain characters whatever the client sent."""
    if len(key) > _LONGEST or not key.isascii():
        key = f"sha256-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return f"{name}:{key}"
