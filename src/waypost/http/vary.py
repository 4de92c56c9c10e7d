"""Vary: what an answer depends on besides its URL; several layers have a say, and none may undo another's.

Source: RFC 9110 section 12.5.5.
"""

from __future__ import annotations

from waypost.http.headers import RawHeaders


def add_vary(fields: RawHeaders, *names: bytes) -> None:
    """Add header names to the Vary of `fields`, in place. Those that stand there stay; "*" covers all."""
    at = next((index for index, field in enumerate(fields) if field[0] == b"vary"), None)
    if at is None:
        fields.append((b"vary", b", ".join(names)))
        return
    lines = [value for name, value in fields if name == b"vary"]
    known = [name for line in lines for name in map(bytes.strip, line.split(b",")) if name]
    have = {name.lower() for name in known}
    missing = [] if b"*" in have else [name for name in names if name.lower() not in have]
    if missing or len(lines) > 1:
        fields[at] = (b"vary", b", ".join([*known, *missing]))
        fields[at + 1 :] = [field for field in fields[at + 1 :] if field[0] != b"vary"]
