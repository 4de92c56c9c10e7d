"""The guide's rate limiter: a fixed window that begins with the first hit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lib.state import transaction


@dataclass(frozen=True)
class Limit:
    success: bool
    remaining: int


def rate_limit(key: str, limit: int = 10, window: float = 60.0) -> Limit:
    """Count a hit of `key`; window in seconds."""
    now = time.time()
    with transaction() as connection:
        row = connection.execute("SELECT count, reset_at FROM rate WHERE key = ?", (key,)).fetchone()
        if row is None or now > row[1]:
            connection.execute("INSERT OR REPLACE INTO rate VALUES (?, 1, ?)", (key, now + window))
            return Limit(True, limit - 1)
        if row[0] >= limit:
            return Limit(False, 0)
        connection.execute("UPDATE rate SET count = count + 1 WHERE key = ?", (key,))
        return Limit(True, limit - row[0] - 1)
