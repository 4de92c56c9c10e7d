"""Memory in front of a shared store: a hit asks nobody, and still sees every revalidation it must see.

What memory holds is believed while the page of generations has no newer mark for its tags and the store vouches for
the page (`sure_until`). Everything else is asked from the store, in one snapshot of entry and tags.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from waypost.cache.entry import Entry
from waypost.cache.leases import Turn, Turns
from waypost.cache.records import Record, Records
from waypost.cache.shared import SharedStore
from waypost.cache.shared_page import EPOCH, slots_of
from waypost.cache.store import Fence, Found

_monotonic: Final = time.monotonic


class LayeredStore:
    """See store.Store. max_memory: bytes of entries in memory; strict: ask the store at every hit."""

    def __init__(self, shared: SharedStore, max_memory: int, *, strict: bool = False) -> None:
        self._shared = shared
        self._page = shared.page
        self._records = Records(max_memory)
        self._table = self._records.table
        self._strict = strict
        self._era = ""
        self._reads: dict[str, asyncio.Task[Found | None]] = {}
        self._turns = Turns(shared, self.get, self._keep)

    async def open(self) -> None:
        await self._shared.open()

    async def close(self) -> None:
        for read in list(self._reads.values()):
            read.cancel()
        self._records.clear()
        await self._shared.close()

    # -- reading

    def peek(self, key: str) -> Entry | None:
        record = self._table.get(key)
        if record is None or self._strict:
            return None
        now = _monotonic()
        if now >= record.fresh_until or now >= self._shared.sure_until:
            return None
        if self._page.words[EPOCH] != record.epoch and not self._recheck(record):
            return None
        record.used = True
        return record.entry

    def _recheck(self, record: Record) -> bool:
        epoch = self._page.words[EPOCH]  # before the slots: a change in between is looked at next time
        if record.checked < self._shared.since:
            return False
        if not self._page.untouched(record.slots, record.checked):
            return False
        if epoch == self._page.words[EPOCH]:  # else it may have been read while it was written
            record.epoch = epoch
        return True

    async def get(self, key: str) -> Found | None:
        if self._strict:
            return await self._read(key)
        latest = self._shared.latest
        if self.peek(key) is not None:
            return _as_of(latest, self._table[key].found)
        read = self._reads.get(key)
        if read is not None:
            found = await asyncio.shield(read)
            if found is None:
                return None
            # That read may have begun before a revalidation which this caller has to see.
            latest = self._shared.latest
            record = self._table.get(key)
            if record is not None and _monotonic() < self._shared.sure_until and self._recheck(record):
                return _as_of(latest, record.found)
            return await self._read(key)
        read = asyncio.get_running_loop().create_task(self._read(key))
        self._reads[key] = read
        read.add_done_callback(partial(self._read_ended, key))
        # A caller who is cancelled must not take the answer from those who joined it.
        return await asyncio.shield(read)

    def _read_ended(self, key: str, read: asyncio.Task[Found | None]) -> None:
        self._reads.pop(key, None)
        if not read.cancelled():
            read.exception()  # looked at, also when everybody who waited for it has gone

    async def _read(self, key: str) -> Found | None:
        record = self._table.get(key)
        found = await self._shared.read(key, None if record is None else record.found)
        if found is None:
            self._records.drop(key)
        else:
            self._keep(key, found)
        return found

    def _keep(self, key: str, found: Found) -> None:
        if found.filled.era != self._era:
            # Generations of two eras can't be compared.
            self._era = found.filled.era
            self._records.clear()
        old = self._table.get(key)
        record = Record(key, found, 0, slots_of(found.entry.tags))
        record.used = old is not None and old.used
        self._records.put(key, record)

    # -- writing

    async def fence(self) -> Fence:
        return await self._shared.now()

    async def set(self, key: str, entry: Entry, fence: Fence) -> bool:
        try:
            found = await self._shared.put(key, entry, fence, 0)
        except ValueError:
            return False
        if found is not None:
            self._keep(key, found)
        return found is not None

    async def delete(self, key: str) -> None:
        self._records.drop(key)
        await self._shared.delete(key)

    async def revalidate(self, tags: Sequence[str], *, stale_for: float = 0.0) -> None:
        if tags:
            await self._shared.revalidate(list(dict.fromkeys(tags)), stale_for)

    def lease(self, key: str, *, wait: bool = True) -> Turn:
        return self._turns.take(key, wait)


def _as_of(latest: int, found: Found) -> Found:
    """What memory holds, as it was looked up now. latest: of the store, read before the page was.

    An entry that the page says is untouched is so up to the generation up to which the page is complete.
    """
    return found if found.checked >= latest else replace(found, checked=latest)
