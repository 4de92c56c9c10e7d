"""What a store of rate limits is, and which one a URL names."""

from __future__ import annotations

import time
from typing import Protocol

from waypost.errors import StartupError
from waypost.ratelimit.rule import Decision, Rule


class Store(Protocol):
    """Counts hits. One hit is one step: no other hit of the same key comes between its reading and its writing.

    local: whether it lives in this process, so that asking costs no trip.
    """

    local: bool

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """Count `cost` hits, if they fit. A key belongs to one rule. May raise anything when it is out of order."""
        ...

    async def forget(self, key: str) -> None:
        """As if `key` had never been seen."""
        ...

    async def close(self) -> None:
        """Give back what is open; a later hit opens it again."""
        ...


def wall_clock() -> int:
    """Unix time in microseconds."""
    return time.time_ns() // 1000


def open_store(url: str) -> Store:
    """The store of a URL: "" or "memory:", "sqlite:PATH", or a Redis URL (redis:, rediss:, unix:).

    Nothing is opened before the first hit. Raises StartupError for any other, and where a package is missing.
    """
    if url in ("", "memory:"):
        from waypost.ratelimit.memory_store import MemoryStore

        return MemoryStore()
    if url.startswith("sqlite:") and url != "sqlite:":
        from waypost.ratelimit.sqlite_store import SQLiteStore

        return SQLiteStore(url.removeprefix("sqlite://").removeprefix("sqlite:"))
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise StartupError(
            f"WAYPOST_RATELIMIT_URL names no store: {url.partition(':')[0]}:…",
            remedy="Use memory:, sqlite:data/limits.db or redis://host:6379/0.",
        )
    try:
        from waypost.ratelimit.redis_store import RedisStore
    except ImportError as error:
        raise StartupError(
            f"WAYPOST_RATELIMIT_URL names a Redis server, and its client can't be imported: {error}",
            remedy='Install it: pip install "waypost[redis]"',
        ) from None
    return RedisStore(url)
