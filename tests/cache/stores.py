"""The kinds of store that keep one contract, and entries to put into them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from waypost.cache.entry import NEVER, Entry
from waypost.cache.layered import LayeredStore
from waypost.cache.memory_store import MemoryStore
from waypost.cache.redis_store import RedisStore
from waypost.cache.sqlite_store import SQLiteStore
from waypost.cache.store import Store

Make = Callable[[], Store]
KINDS = ("memory", "sqlite", "sqlite without memory", "valkey", "valkey without memory", "valkey strict")
PATIENT = 2.0  # seconds; a shared machine may be slow without a store being broken


def maker(kind: str, folder: Path, valkey: str, *, timeout: float = PATIENT, max_tags: int = 1000) -> Make:
    """A function that makes stores of this kind which share what they hold, if the kind can share."""
    build = secrets.token_hex(6)
    memory = 0 if "without memory" in kind else 1 << 22

    def make() -> Store:
        if kind == "memory":
            return MemoryStore(1 << 22, max_tags)
        if kind.startswith("sqlite"):
            shared = SQLiteStore(folder, max_size=1 << 24, max_tags=max_tags, timeout=timeout)
            return LayeredStore(shared, memory)
        strict = "strict" in kind
        # Each has a page of its own, as on another machine.
        page = folder / secrets.token_hex(4) / "page"
        return LayeredStore(
            RedisStore(valkey, build, page, max_tags=max_tags, timeout=timeout, strict=strict), memory, strict=strict
        )

    return make


def entry(
    body: bytes = b"hello", *tags: str, revalidate: float = NEVER, expire: float = NEVER, age: float = 0
) -> Entry:
    return Entry(200, ((b"content-type", b"text/plain"),), body, time.time() - age, revalidate, expire, tags)
