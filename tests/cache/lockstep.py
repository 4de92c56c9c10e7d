"""One process revalidates, three others look at once, thousands of times.

    python tests/cache/lockstep.py FOLDER ROUNDS

In each round the writer stores a value, the readers take it into memory, the writer revalidates, and as soon as that
is acknowledged the readers look: memory must not show the value, nor the store. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from waypost.cache.entry import Entry  # noqa: E402
from waypost.cache.layered import LayeredStore  # noqa: E402
from waypost.cache.sqlite_store import SQLiteStore  # noqa: E402

READERS = 3
STORED, ACKNOWLEDGED, HELD, LOOKED, SEEN = 0, 1, 2, 2 + READERS, 2 + 2 * READERS


async def until(board: memoryview[int], word: int, value: int) -> None:
    while board[word] < value:
        os.sched_yield()


async def run(folder: Path, board: memoryview[int], reader: int, rounds: int) -> None:
    store = LayeredStore(SQLiteStore(folder, max_size=1 << 22, max_tags=1000, timeout=5.0), 1 << 20)
    await store.open()
    for number in range(1, rounds + 1):
        if reader < 0:
            entry = Entry(200, (), b"%d" % number, time.time(), tags=("tag", f"tag {number % 7}"))
            assert await store.set("k", entry, await store.fence())
            board[STORED] = number
            for other in range(READERS):
                await until(board, HELD + other, number)
            await store.revalidate(["tag" if number % 2 else f"tag {number % 7}"])
            board[ACKNOWLEDGED] = number
            for other in range(READERS):
                await until(board, LOOKED + other, number)
        else:
            await until(board, STORED, number)
            found = await store.get("k")
            assert found is not None
            assert found.entry.body == b"%d" % number
            assert store.peek("k") is found.entry
            board[HELD + reader] = number
            await until(board, ACKNOWLEDGED, number)
            seen = store.peek("k")
            # The store is asked in some rounds only: the next one begins when all have looked.
            if seen is not None or (number % 10 == 0 and await store.get("k") is not None):
                board[SEEN + reader] += 1
            board[LOOKED + reader] = number
    await store.close()


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    board = memoryview(mmap.mmap(-1, 8 * (SEEN + READERS))).cast("q")
    children = []
    for reader in range(READERS):
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(run(folder, board, reader, rounds))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(pid)
    began = time.monotonic()
    asyncio.run(run(folder, board, -1, rounds))
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    seconds = time.monotonic() - began
    seen = sum(board[SEEN : SEEN + READERS])
    print(json.dumps({"rounds": rounds, "seen_too_late": seen, "codes": codes, "seconds": round(seconds, 1)}))


if __name__ == "__main__":
    main()
