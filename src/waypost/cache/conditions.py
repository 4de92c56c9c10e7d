"""If-None-Match against an ETag.

Source: RFC 9110 sections 8.8.3 and 13.1.2. Linear in the length of the header.
"""

from __future__ import annotations

import re
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
