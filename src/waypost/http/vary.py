"""Vary: what an answer depends on besides its URL; several layers have a say, and none may undo another's.

Source: RFC 9110 section 12.5.5.
"""

from __future__ import annotations

from collections.abc import Iterable

from waypost.http.headers import RawHeaders


def add_vary(fields: RawHeaders, *names: bytes) -> None:
    """Add header names to the Vary of `fields`, in place, which then is one line at most. Those there stay."""
    lines = [value for name, value in fields if name == b"vary"]
    if not lines:
        fields.append((b"vary", b", ".join(names)))
        return
    joined = join_vary([*lines, *names])
    if lines != [joined]:
        at = next(index for index, field in enumerate(fields) if field[0] == b"vary")
        fields[at:] = [(b"vary", joined), *(field for field in fields[at + 1 :] if field[0] != b"vary")]


def join_vary(values: Iterable[bytes]) -> bytes:
    """One value of several: each name once, as it was first written; "*" alone, since it covers all."""
    names: dict[bytes, bytes] = {}
    for value in values:
        for name in map(bytes.strip, value.split(b",")):
            if name:
                names.setdefault(name.lower(), name)
    return b"*" if b"*" in names else b", ".join(names.values())
