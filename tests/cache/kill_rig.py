"""Kills processes in the middle of writing to the SQLite store, and looks at what they left.

    python tests/cache/kill_rig.py FOLDER TRIES SEED

Each try forks a worker that fills, revalidates and evicts without a pause, and ends it with SIGKILL after a random
time. Then another process opens the same files. What it reads must be whole, and not older than the last revalidation
that the dead one reported as acknowledged; what the dead one was filling must be free for others.
Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from waypost.cache.entry import Entry  # noqa: E402
from waypost.cache.layered import LayeredStore  # noqa: E402
from waypost.cache.sqlite_store import SQLiteStore  # noqa: E402

KEYS = 12
SOURCE, ACKNOWLEDGED, READY, REPORT = 0, KEYS, 2 * KEYS, 2 * KEYS + 1
GOOD = 1


def make_store(folder: Path, memory: int = 1 << 20) -> LayeredStore:
    # Small, so that it evicts all the time.
    return LayeredStore(SQLiteStore(folder, max_size=1 << 20, max_tags=50, timeout=2.0), memory)


def body(value: int, size: int) -> bytes:
    """Its first bytes say what the rest has to be."""
    rest = struct.pack("<q", value) + hashlib.sha256(b"%d" % value).digest() * (size // 32)
    return hashlib.sha256(rest).digest() + rest


def value_of(data: bytes) -> int:
    assert hashlib.sha256(data[32:]).digest() == data[:32], "half of an entry was read"
    return int(struct.unpack_from("<q", data, 32)[0])


async def fill(store: LayeredStore, board: memoryview[int], key: int, chance: random.Random) -> int:
    found = await store.get(f"key {key}")
    if found is not None:
        return value_of(found.entry.body)
    async with store.lease(f"key {key}") as lease:
        if lease.found is not None:
            return value_of(lease.found.entry.body)
        value = board[SOURCE + key]
        await lease.store(Entry(200, (), body(value, chance.randrange(60_000)), time.time(), tags=(f"tag {key}",)))
        return value


async def work(folder: Path, board: memoryview[int], seed: int) -> None:
    store, chance = make_store(folder), random.Random(seed)
    await store.open()
    board[READY] = 1

    async def one(first: int) -> None:
        while True:
            key = chance.randrange(first, KEYS, 3)
            await fill(store, board, key, chance)
            if chance.random() < 0.5:
                board[SOURCE + key] += 1
                value = board[SOURCE + key]
                await store.revalidate([f"tag {key}", f"other {chance.randrange(200)}"])
                board[ACKNOWLEDGED + key] = value

    await asyncio.gather(*(one(first) for first in range(3)))


async def look(folder: Path, board: memoryview[int]) -> None:
    store, chance = make_store(folder), random.Random(1)
    await store.open()
    began = time.monotonic()
    for key in range(KEYS):
        value = await fill(store, board, key, chance)
        assert value >= board[ACKNOWLEDGED + key], f"{value} is older than {board[ACKNOWLEDGED + key]}"
    assert time.monotonic() - began < 5, "it waited for the dead"
    await store.close()
    board[REPORT] = GOOD


def forked(run: object) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(run)  # type: ignore[arg-type]  # a coroutine that only the child runs
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        os._exit(0)
    run.close()  # type: ignore[attr-defined]  # as above
    return pid


def main() -> None:
    folder, tries, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    board = memoryview(mmap.mmap(-1, 8 * (2 * KEYS + 2))).cast("q")
    chance, good, survived = random.Random(seed), 0, 0
    for number in range(tries):
        board[READY] = board[REPORT] = 0
        before = sum(board[ACKNOWLEDGED : ACKNOWLEDGED + KEYS])
        pid = forked(work(folder, board, seed + number))
        # Some die while they open the files.
        early = number % 5 == 0
        while not early and not board[READY]:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        survived += sum(board[ACKNOWLEDGED : ACKNOWLEDGED + KEYS]) > before
        os.waitpid(forked(look(folder, board)), 0)
        good += board[REPORT] == GOOD
    files = sum(file.stat().st_size for file in folder.iterdir())
    print(json.dumps({"tries": tries, "good": good, "with_revalidations": survived, "bytes": files}))


if __name__ == "__main__":
    main()
