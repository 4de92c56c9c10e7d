"""May this response be stored, for how long, and what does it tell caches on the way: pure functions of its parts.

Knows no store, no request and no time of day.
Source: RFC 9111 section 3, RFC 9110 section 15.1, RFC 5861; Next.js, Cache-Control of static handlers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from waypost.cache.entry import NEVER
from waypost.cache.lifetimes import YEAR, Lifetime

RawHeaders: TypeAlias = "Iterable[tuple[bytes, bytes]]"

# Answers that say something about the resource itself. A 204 or 206 is about one request, 401 and 403 about one
# client, 429 and 5xx about one moment: stored, each would hide the page from everybody.
STORABLE: Final = frozenset((200, 203, 300, 301, 302, 303, 307, 308, 404, 410))
_PERSONAL: Final = frozenset((b"private", b"no-store", b"no-cache"))
# Who says that the answer depends on these says that it belongs to somebody.
_PERSONAL_VARY: Final = frozenset((b"*", b"cookie", b"authorization"))
_LEAST_PAUSE, _LONGEST_PAUSE = 3.0, 30.0
_DIRECTIVE: Final = re.compile(rb'([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^,"]*))?')


def why_not_stored(status: int, headers: RawHeaders) -> str | None:
    """Why this response may not be served to other clients; None when it may.

    headers: names in lower case.
    """
    if status not in STORABLE:
        return f"status {status}"
    for name, value in headers:
        if name == b"set-cookie":
            return "Set-Cookie"
        if name == b"cache-control":
            found = _PERSONAL.intersection(match[1].lower() for match in _DIRECTIVE.finditer(value))
            if found:
                return f"Cache-Control: {min(found).decode()}"
        elif name == b"vary":
            personal = _PERSONAL_VARY.intersection(item.strip().lower() for item in value.split(b","))
            if personal:
                return f"Vary: {min(personal).decode()}"
    return None


def cache_control(lifetime: Lifetime) -> bytes:
    """`s-maxage=60, stale-while-revalidate=31535940`; without an end `s-maxage=31536000`."""
    whole = YEAR if lifetime.expire == NEVER else round(lifetime.expire)
    fresh = min(whole, YEAR if lifetime.revalidate == NEVER else round(lifetime.revalidate))
    if whole == fresh:
        return b"s-maxage=%d" % fresh
    return b"s-maxage=%d, stale-while-revalidate=%d" % (fresh, whole - fresh)


def entity_tag(headers: RawHeaders, body: bytes) -> bytes:
    """A strong ETag: equal for equal bytes of equal type on every machine, different for any difference."""
    from hashlib import blake2b  # loads OpenSSL, which not every program needs

    digest = blake2b(body, digest_size=12)
    for name, value in headers:
        if name in (b"content-type", b"content-encoding", b"content-language"):
            digest.update(b"\0%b\0%b" % (name, value))
    return b'"%b"' % digest.hexdigest().encode()


def complete(headers: RawHeaders, body: bytes, lifetime: Lifetime) -> tuple[tuple[bytes, bytes], ...]:
    """The headers to store: the handler's own, with Cache-Control and ETag where it set none."""
    fields = tuple(item for item in headers if item[0] not in (b"cache-status", b"content-length"))
    names = {name for name, _ in fields}
    if b"cache-control" not in names:
        fields += ((b"cache-control", cache_control(lifetime)),)
    if b"etag" not in names:
        fields += ((b"etag", entity_tag(fields, body)),)
    return fields


def pause_after_failure(revalidate: float) -> float:
    """Seconds for which a refresh that failed is not tried again (Next.js: 3 to 30)."""
    return min(max(revalidate, _LEAST_PAUSE), _LONGEST_PAUSE)
