"""The entries that one process holds in memory, with a ceiling in bytes.

What is dropped first is what has not been used since it was last looked at (the clock algorithm): a hit only sets a
flag, where a list in order of use would be changed by every reader. Knows no tags' state and no store.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from waypost.cache.entry import NEVER, Entry
from waypost.cache.store import Found

# Python's own cost of a record, its entry and the place in the table: 1,190 bytes with two headers and four tags
# (tracemalloc, 3.11), rounded up.
OVERHEAD: Final = 1400


class Record:
    """One entry in memory.

    fresh_until: on the clock of time.monotonic(), which asks less of a hit than two clocks. epoch: the state of the
    page of generations at which its tags were last found untouched. checked: see Found. slots: of its tags.
    """

    __slots__ = ("checked", "entry", "epoch", "found", "fresh_until", "size", "slots", "used")

    def __init__(self, key: str, found: Found, epoch: int, slots: tuple[int, ...]) -> None:
        entry = found.entry
        self.entry: Entry = entry
        self.found = found
        self.checked = found.checked
        self.epoch = epoch
        self.slots = slots
        self.used = False
        self.size = entry.size + len(key) + OVERHEAD
        life = min(entry.revalidate, entry.expire)
        if found.state != "fresh":
            self.fresh_until = 0.0
        elif life == NEVER:
            self.fresh_until = NEVER
        else:
            self.fresh_until = time.monotonic() + entry.created + life - time.time()


class Records:
    """The table of records; `table` is read directly by whoever needs a hit to be quick."""

    __slots__ = ("_ceiling", "size", "table")

    def __init__(self, ceiling: int) -> None:
        self.table: OrderedDict[str, Record] = OrderedDict()
        self.size = 0
        self._ceiling = ceiling

    def put(self, key: str, record: Record) -> bool:
        """Keep it, in place of what the key had. False: it would take more than a quarter of the ceiling."""
        self.drop(key)
        if record.size * 4 > self._ceiling:
            return False
        self.table[key] = record
        self.size += record.size
        while self.size > self._ceiling:
            other, oldest = self.table.popitem(last=False)
            if oldest.used and oldest is not record:
                oldest.used = False
                self.table[other] = oldest
            else:
                self.size -= oldest.size
        return True

    def drop(self, key: str) -> None:
        record = self.table.pop(key, None)
        if record is not None:
            self.size -= record.size

    def clear(self) -> None:
        self.table.clear()
        self.size = 0
