"""Does a hit cost the same with one entry in memory and with a million?

    python bench/cache_entries.py                 1, 1,000 and 1,000,000 entries (about 1 GB, half a minute)
    python bench/cache_entries.py --most 100000

Nanoseconds of the process's time for a hit, the best of many batches: of one entry that is asked for again and again,
as popular answers are, and of entries in random order, where what memory costs the processor comes on top.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time

from waypost.cache.entry import Entry
from waypost.cache.memory_store import MemoryStore

BATCHES, BATCH = 40, 5_000


async def filled(entries: int) -> MemoryStore:
    store = MemoryStore(1 << 40, 1_000)
    fence = await store.fence()
    for number in range(entries):
        entry = Entry(200, (), b"%d" % number, time.time(), tags=("all",))
        await store.set(f"/posts/{number}", entry, fence)
    return store


def cost(store: MemoryStore, keys: list[str]) -> float:
    """Nanoseconds for a hit."""
    best = float("inf")
    peek = store.peek
    for _ in range(BATCHES):
        began = time.process_time_ns()
        for key in keys:
            peek(key)
        best = min(best, (time.process_time_ns() - began) / len(keys))
    assert all(peek(key) is not None for key in keys)
    return best


def measure(entries: int) -> tuple[float, float]:
    """Nanoseconds for a hit of one entry, and of entries in random order."""
    store = asyncio.run(filled(entries))
    chance = random.Random(1)
    keys = [f"/posts/{chance.randrange(entries)}" for _ in range(BATCH)]
    return cost(store, [keys[0]] * BATCH), cost(store, keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000)
    most = parser.parse_args().most
    for entries in (1, 1_000, most):
        same, mixed = measure(entries)
        print(f"{entries:>9,} entries: {same:5.0f} ns for one of them, {mixed:5.0f} ns in random order", flush=True)


if __name__ == "__main__":
    main()
