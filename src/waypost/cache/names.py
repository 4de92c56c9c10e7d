"""Names in a store: a digest of a key or a tag, of one length and without characters that a store could mistake."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """40 hexadecimal digits. Any two texts that differ in a bit have different ones."""
    # A lone surrogate is a legal str, and a different one.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
