"""The store of one process: nothing outlives it and nothing is shared. For tests, and where there is no disk."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace

from waypost.cache.entry import Entry, State
from waypost.cache.leases import Claim, Turn, Turns
from waypost.cache.records import Record, Records
from waypost.cache.store import Fence, Found
from waypost.cache.tags import TagTable, judge, outdated, untouched

_ERA = "memory:0"


class MemoryStore:
    """See store.Store. max_size: bytes of entries; max_tags: revalidated tags that are remembered."""

    lease_time = 0.0

    def __init__(self, max_size: int, max_tags: int) -> None:
        self._records = Records(max_size)
        self._tags = TagTable(max_tags)
        self._turns = Turns(self, self.get, lambda key, found: None)
        self._postponed: dict[str, float] = {}
        self._versions = itertools.count(1)

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        self._records.clear()

    def peek(self, key: str) -> Entry | None:
        record = self._records.table.get(key)
        if record is None or time.monotonic() >= record.fresh_until:
            return None
        if record.epoch != self._tags.generation and not self._recheck(record):
            return None
        record.used = True
        return record.entry

    def _recheck(self, record: Record) -> bool:
        if self._judge(record) != "fresh":
            return False
        record.epoch = self._tags.generation
        return True

    def _judge(self, record: Record) -> State:
        entry = record.entry
        marks = self._tags.marks(entry.tags)
        return judge(entry, record.found.filled.generation, marks, self._tags.floor, time.time())

    async def get(self, key: str) -> Found | None:
        record = self._records.table.get(key)
        if record is None:
            return None
        state = self._judge(record)
        if state == "gone":
            self._records.drop(key)
            return None
        record.used = True
        late = outdated(record.found.filled.generation, self._tags.marks(record.entry.tags))
        return replace(record.found, state=state, checked=self._tags.generation, outdated=late)

    async def fence(self) -> Fence:
        return Fence(_ERA, self._tags.generation)

    async def set(self, key: str, entry: Entry, fence: Fence) -> bool:
        return await self.put(key, entry, fence, 0) is not None

    async def delete(self, key: str) -> None:
        self._records.drop(key)

    async def revalidate(self, tags: Sequence[str], *, stale_for: float = 0.0) -> None:
        if tags:
            self._tags.revalidate(tags, stale_for, time.time())

    def lease(self, key: str, *, wait: bool = True) -> Turn:
        return self._turns.take(key, wait)

    # -- as the arbiter of its own turns: there is nobody else to keep out

    async def claim(self, key: str, wait: bool) -> Claim:
        found = await self.get(key)
        if found is not None and found.state == "fresh":
            return Claim(found=found)
        if not wait and time.monotonic() < self._postponed.get(key, 0.0):
            return Claim()
        self._postponed.pop(key, None)
        return Claim(1, await self.fence())

    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        tags = self._tags
        if fence.era != _ERA or not untouched(fence.generation, tags.marks(entry.tags), tags.floor):
            return None
        found = Found(entry, "fresh", fence, next(self._versions), tags.generation)
        return found if self._records.put(key, Record(key, found, tags.generation, ())) else None

    async def renew(self, key: str, token: int) -> bool:
        return True

    async def release(self, key: str, token: int, postpone: float) -> None:
        now = time.monotonic()
        if postpone:
            # As many as there are failing keys at a time; those that are over go with the next one.
            self._postponed = {other: until for other, until in self._postponed.items() if until > now}
            self._postponed[key] = now + postpone
