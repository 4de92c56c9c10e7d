"""Origins: a set of origins as a program names them, and the question whether an Origin header is in it.

An origin matches exactly or not at all; `null`, which any sandboxed page has, is never in a set.
Source: RFC 6454; Fetch standard, "Origin header".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from waypost.errors import StartupError
from waypost.http.host import DEFAULT_PORTS

OriginNames: TypeAlias = "str | re.Pattern[str] | Iterable[str | re.Pattern[str]]"

#: Bytes of an Origin header that are looked at: a scheme, a host of 253 letters and a port fit.
MOST: Final = 300

_ORIGIN = re.compile(r"[a-z][a-z0-9+.\-]*://(\*\.)?(\[[0-9a-f:.]+\]|[a-z0-9\-._]+)(:[0-9]{1,5})?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9\-]+(\.[a-z0-9\-]+)*\Z")


class Origins:
    """A set of origins.

    names: "https://app.example", "https://*.example.com" (its subdomains, not itself), a compiled pattern that has
    to match the whole origin, several of these, or "*" for any. Raises StartupError for what can't match.
    any: whether "*" is among them. exact, patterns: the origins written out, and the compiled patterns.
    """

    __slots__ = ("_suffixes", "any", "exact", "patterns")

    def __init__(self, names: OriginNames) -> None:
        items = [names] if isinstance(names, str | re.Pattern) else list(names)
        self.any = "*" in items
        self.exact: set[str] = set()
        self.patterns: list[re.Pattern[str]] = []
        self._suffixes: list[tuple[str, str]] = []
        for item in items:
            if isinstance(item, re.Pattern):
                self.patterns.append(item)
            elif item != "*":
                self._add(item)

    def _add(self, item: object) -> None:
        if not isinstance(item, str) or _ORIGIN.match(item.lower()) is None:
            raise StartupError(
                f"{item!r} is not an origin",
                remedy="An origin is a scheme, a host and perhaps a port, without a path: https://app.example.",
            )
        scheme, _, host = item.lower().partition("://")
        host = host.removesuffix(DEFAULT_PORTS.get(scheme, ""))  # browsers leave the default port out
        if host.startswith("*."):
            self._suffixes.append((f"{scheme}://", host[1:]))
        else:
            self.exact.add(f"{scheme}://{host}")

    def __contains__(self, origin: object) -> bool:
        """Whether the value of an Origin header is in the set."""
        if not isinstance(origin, str) or not origin or origin == "null" or len(origin) > MOST:
            return False
        if self.any or origin in self.exact:
            return True
        for scheme, suffix in self._suffixes:
            inner = origin[len(scheme) : -len(suffix)]
            if origin.startswith(scheme) and origin.endswith(suffix) and _SUBDOMAIN.match(inner):
                return True
        return any(pattern.fullmatch(origin) for pattern in self.patterns)
