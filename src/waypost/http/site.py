"""Site and Connection: what is known of a request before its first byte.

Site: facts of one application (base path, trusted proxies, form limits), made once at start-up.
Connection: facts of one TCP connection, made once for all its requests, so that a request costs nothing for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from waypost.http.forms import FormLimits
from waypost.http.headers import RawHeaders

if TYPE_CHECKING:
    import ipaddress

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
IPNetwork: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

_FORWARDED_ITEMS = 64  # proxies in a row; a longer X-Forwarded-For is nobody's real one


def parse_ip(text: str) -> IPAddress | None:
    """An address in canonical form: IPv4 mapped into IPv6 becomes IPv4, a zone or anything odd gives None."""
    if not text.isascii() or "%" in text or len(text) > 45:
        return None
    import ipaddress  # few requests need an address taken apart, and none does at start

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # Otherwise ::ffff:1.2.3.4 and 1.2.3.4 would be two clients to a rate limit.
    return getattr(address, "ipv4_mapped", None) or address


class TrustedProxies:
    """The peers whose X-Forwarded-* headers are believed: networks, and "unix" for a local socket."""

    __slots__ = ("_networks", "_unix")

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Raises ValueError for an entry that is neither an address, a network nor "unix"."""
        entries = list(entries)
        self._unix = "unix" in entries
        self._networks: list[IPNetwork] = []
        if entries:
            import ipaddress

            self._networks += [ipaddress.ip_network(entry, strict=False) for entry in entries if entry != "unix"]

    def __contains__(self, peer: object) -> bool:
        if not self._networks and not self._unix:
            return False
        if peer is None:
            return self._unix
        address = parse_ip(peer) if isinstance(peer, str) else None
        return address is not None and any(address in network for network in self._networks)

    def client_ip(self, peer: str | None, forwarded_for: str | None) -> str | None:
        """The first address, read from the right, that is not a trusted proxy.

        peer: as Connection has it. Only the entries that trusted proxies appended count; something that is no address
        ends the walk, and the last good one stands.
        """
        client = peer
        if peer not in self or not forwarded_for:
            return client
        for item in reversed(forwarded_for.rsplit(",", _FORWARDED_ITEMS)[-_FORWARDED_ITEMS:]):
            address = parse_ip(item.strip())
            if address is None:
                break
            client = str(address)
            if client not in self:
                break
        return client


def _canonical(peer: str | None) -> str | None:
    """The address of a socket's other end as everything compares it; what is no address stays as it is."""
    if peer is None or ":" not in peer:  # IPv4 has one form
        return peer
    # The zone is a name of our own network interfaces: it says nothing of the client.
    address = parse_ip(peer.partition("%")[0])
    return str(address) if address is not None else peer


class Site(msgspec.Struct, frozen=True, eq=False):
    """Facts of one application that its requests need.

    base_path: "" or "/docs", without a slash at the end.
    """

    base_path: str = ""
    proxies: TrustedProxies = msgspec.field(default_factory=TrustedProxies)
    forms: FormLimits = msgspec.field(default_factory=FormLimits)


class Connection:
    """One TCP or Unix connection.

    scheme: "http" or "https". peer: the other side's IP in canonical form, whatever form it is given in; None for a
    Unix socket. server: our host and port.
    trusted: whether the peer is a configured proxy, so that its X-Forwarded-* headers count.
    """

    __slots__ = ("_fields", "_raw", "peer", "scheme", "server", "site", "trusted")

    def __init__(self, scheme: str, peer: str | None, server: tuple[str, int | None] | None, site: Site) -> None:
        self._raw: RawHeaders | None = None
        self._fields: RawHeaders = []
        self.scheme = scheme
        self.peer = _canonical(peer)
        self.server = server
        self.site = site
        self.trusted = self.peer in site.proxies

    def lowered(self, raw: RawHeaders) -> RawHeaders:
        """These fields with names in lower case; not to be changed.

        raw: as sent. A server gives the same list again for a request whose head has the same fields as the one
        before, which is most of what a client sends over one connection.
        """
        if raw is not self._raw:
            self._raw, self._fields = raw, [(name.lower(), value) for name, value in raw]
        return self._fields
