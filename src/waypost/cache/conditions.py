"""If-None-Match against an ETag.

Source: RFC 9110 sections 8.8.3 and 13.1.2. Linear in the length of the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

# W/ is left aside: If-None-Match compares weakly. A tag may hold commas, so the list is not split at them.
_TAGS: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
# What a 304 repeats: what a cache needs to freshen its copy, and nothing that describes the missing body.
NOT_MODIFIED_FIELDS: Final = frozenset((b"cache-control", b"content-location", b"etag", b"expires", b"vary"))


def none_match(header: bytes, etag: bytes) -> bool:
    """Whether the client has this representation already: `*`, or its tag is in the list."""
    if header == etag:
        return True
    if header.strip() == b"*":
        return True
    return etag.removeprefix(b"W/") in _TAGS.findall(header)


_DRAFT_COOKIE: Final = b"__prerender_bypass="


def interesting_fields(raw: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bool]:
    """If-None-Match, and whether there is a cookie that may switch the cache off, in one walk over a request's fields.

    A hit asks nothing else of the headers, so it need not build them.
    """
    none_match: bytes | None = None
    drafting = False
    for name, value in raw:
        length = len(name)
        if length == 13:
            if name.lower() == b"if-none-match":
                none_match = value if none_match is None else none_match + b"," + value
        elif length == 6 and _DRAFT_COOKIE in value and name.lower() == b"cookie":
            drafting = True
    return none_match, drafting
