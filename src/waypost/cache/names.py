"""Names in a store: a digest of a key or a tag, of one length and without characters that a store could mistake.

And numbers that tell two writers apart.
"""

from __future__ import annotations

import hashlib
import os


def digest(text: str) -> str:
    """40 hexadecimal digits. Any two texts that differ in a bit have different ones."""
    # A lone surrogate is a legal str, and a different one.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def draw_number() -> int:
    """A positive number of 62 bits that nobody else has drawn. (`secrets` would do, and load 300 KB for it.)"""
    return (int.from_bytes(os.urandom(8), "big") >> 2) + 1
