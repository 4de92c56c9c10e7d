"""A client's view of a store that is in trouble: every answer in time, none older than it may be."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from tests.cache.stores import entry

from waypost.cache.store import Store
from waypost.errors import StoreUnavailable

TIMEOUT = 0.1  # what the stores under test are given
# What a request may take longer than its handler is 0.15 s; a machine that is busy with other tests gets a second more.
# An answer that waited for the store would take longer still: the faults hold it for two seconds and more.
ALLOWED = 0.15 + 1.0


class Client:
    """Reads through the cache as a server does, and revalidates; notes what was late or wrong.

    The source of `key` is a number that only grows. A read must not give one that is lower than the last whose
    revalidation was acknowledged.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = 0
        self.acknowledged = 0
        self.slowest = 0.0
        self.handlers = 0
        self.hits = 0

    async def read(self, key: str = "client") -> int:
        lowest = self.acknowledged
        began = time.monotonic()
        value = await self._read(key)
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert value >= lowest, f"{value} is older than {lowest}"
        return value

    async def _read(self, key: str) -> int:
        hit = self.store.peek(key)
        if hit is not None:
            self.hits += 1
            return int(hit.body)
        try:
            found = await self.store.get(key)
        except StoreUnavailable:
            self.handlers += 1
            return self.source
        if found is not None:
            self.hits += 1
            return int(found.entry.body)
        async with self.store.lease(key) as lease:
            if lease.found is not None:
                self.hits += 1
                return int(lease.found.entry.body)
            self.handlers += 1
            value = self.source
            await lease.store(entry(b"%d" % value, "tag"))
            return value

    async def revalidate(self) -> bool:
        self.source += 1
        value = self.source
        began = time.monotonic()
        try:
            await self.store.revalidate(["tag"])
        except StoreUnavailable:
            return False
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.acknowledged = max(self.acknowledged, value)
        return True

    async def use(self, seconds: float, pause: float = 0.01) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self.read()
            await self.revalidate()
            await self.read()
            await asyncio.sleep(pause)

    async def works(self) -> bool:
        """Whether a revalidation is acknowledged and a fill is kept."""
        if not await self.revalidate():
            return False
        await self.read()
        hits = self.hits
        await self.read()
        return self.hits > hits

    async def recovers(self, within: float = 2.0) -> float:
        """Wait until it works again; gives the seconds that took."""
        began = time.monotonic()
        while not await self.works():
            assert time.monotonic() - began < within, f"not back after {within} s"
            await asyncio.sleep(0.02)
        return time.monotonic() - began


async def through_a_fault(
    store: Store,
    begin: Callable[[], Awaitable[object]],
    end: Callable[[], Awaitable[object]],
    *,
    seconds: float = 0.7,
    hidden: bool = False,
) -> None:
    """Use the store before, during and after a fault. hidden: one that the store gets over without anybody seeing."""
    client = Client(store)
    assert await client.works()
    await begin()
    handlers = client.handlers
    await client.use(seconds)
    assert hidden or client.handlers > handlers
    assert client.slowest < ALLOWED, client.slowest
    await end()
    await client.recovers()
    assert client.slowest < ALLOWED, client.slowest


class LogLines(logging.Handler):
    """The lines of the cache's logger at or above a level."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> LogLines:
        logging.getLogger("waypost.cache").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("waypost.cache").removeHandler(self)
