"""Turns at one key, where the store's side of a lease is in the test's hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.cache.stores import entry, maker

from waypost.cache import leases, sqlite_work
from waypost.cache.entry import Entry
from waypost.cache.layered import LayeredStore
from waypost.cache.leases import Claim, Turns
from waypost.cache.sqlite_store import SQLiteStore
from waypost.cache.store import Fence, Found
from waypost.errors import StoreUnavailable


class Arbiter:
    """Grants what the test says, and notes what it was asked."""

    lease_time = 0.2

    def __init__(self) -> None:
        self.answers: list[Claim | Exception] = []
        self.renewals = 0
        self.held = True
        self.released: list[tuple[str, float]] = []
        self.stored: list[Entry] = []
        self.put_answer: Callable[[Entry], Found | None] | Exception = lambda made: Found(made, "fresh", Fence("e", 1))

    async def claim(self, key: str, wait: bool) -> Claim:
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if self.answers else Claim(1, Fence("e", 1))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        if isinstance(self.put_answer, Exception):
            raise self.put_answer
        self.stored.append(entry)
        return self.put_answer(entry)

    async def renew(self, key: str, token: int) -> bool:
        self.renewals += 1
        return self.held

    async def release(self, key: str, token: int, postpone: float) -> None:
        self.released.append((key, postpone))


def run(test: Callable[[Arbiter, Turns], Awaitable[None]]) -> None:
    async def with_turns() -> None:
        arbiter = Arbiter()
        kept: dict[str, Found] = {}

        async def look_up(key: str) -> Found | None:
            return kept.get(key)

        turns = Turns(arbiter, look_up, kept.__setitem__)
        await test(arbiter, turns)
        assert turns.flights == {}

    asyncio.run(with_turns())


def test_a_long_fill_renews_its_lease() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        async with turns.take("k", True) as turn:
            await asyncio.sleep(0.5)
            assert arbiter.renewals >= 4
            await turn.store(entry())
        renewals = arbiter.renewals
        await asyncio.sleep(0.2)
        assert arbiter.renewals == renewals

    run(test)


def test_a_lost_lease_is_not_renewed() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        arbiter.held = False
        async with turns.take("k", True):
            await asyncio.sleep(0.3)
        assert arbiter.renewals == 1

    run(test)


def test_a_store_that_does_not_answer_lets_everybody_go_alone() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        arbiter.answers = [StoreUnavailable("down")]

        async def wanted() -> bool:
            async with turns.take("k", True) as turn:
                assert turn.found is None
                assert not await turn.store(entry())
                return turn.leader

        assert await asyncio.gather(*(wanted() for _ in range(10))) == [False] * 10
        assert arbiter.stored == []

    run(test)


@pytest.mark.parametrize("error", [StoreUnavailable("down"), ValueError("can't be stored")])
def test_a_result_that_can_not_be_stored_lets_everybody_go_alone(error: Exception) -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        arbiter.put_answer = error

        async def wanted() -> bool:
            async with turns.take("k", True) as turn:
                leader = turn.leader
                if leader:
                    await asyncio.sleep(0.02)
                    assert not await turn.store(entry())
                    assert not turn.leader
                return leader

        assert sum(await asyncio.gather(*(wanted() for _ in range(10)))) == 1

    run(test)


def test_waiting_for_another_process_asks_again_and_again() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        found = Found(entry(b"theirs"), "fresh", Fence("e", 1))
        arbiter.answers = [Claim()] * 5 + [Claim(found=found)]
        began = time.monotonic()
        async with turns.take("k", True) as turn:
            assert turn.found is found
        assert time.monotonic() - began < 1

    run(test)


def test_a_refresh_that_finds_another_process_at_it_does_not_wait() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        arbiter.answers = [Claim()]
        async with turns.take("k", False) as turn:
            assert not turn.leader
            assert turn.found is None
        assert arbiter.released == []

    run(test)


def test_waiters_behind_a_refresh_that_was_sent_away_ask_for_themselves() -> None:
    async def test(arbiter: Arbiter, turns: Turns) -> None:
        arbiter.answers = [Claim(), Claim(), Claim(7, Fence("e", 1))]

        async def refresh() -> bool:
            async with turns.take("k", False) as turn:
                return turn.leader

        async def wait() -> bool:
            async with turns.take("k", True) as turn:
                return turn.leader

        assert await asyncio.gather(refresh(), wait()) == [False, True]

    run(test)


def test_two_fills_that_wait_for_each_other_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "NESTED_PATIENCE", 0.1)

    async def test(arbiter: Arbiter, turns: Turns) -> None:
        async def fill(outer: str, inner: str) -> bool:
            async with turns.take(outer, True) as turn:
                assert turn.leader
                await asyncio.sleep(0.02)
                async with turns.take(inner, True) as nested:
                    return nested.leader

        results = await asyncio.gather(fill("a", "b"), fill("b", "a"))
        assert results.count(False) >= 1

    run(test)


def test_a_task_of_an_earlier_fill_may_lead_later() -> None:
    """It has inherited the fill's turns, which have ended."""

    async def test(arbiter: Arbiter, turns: Turns) -> None:
        async def later() -> bool:
            await asyncio.sleep(0.05)
            async with turns.take("k", True) as turn:
                return turn.leader

        async with turns.take("k", True):
            task = asyncio.create_task(later())
        assert await task

    run(test)


# -- with a real store: owners that are gone


def shared_pair(folder: Path) -> tuple[LayeredStore, LayeredStore]:
    make = maker("sqlite", folder, "")
    one, two = make(), make()
    assert isinstance(one, LayeredStore)
    assert isinstance(two, LayeredStore)
    return one, two


def test_a_lease_that_is_not_renewed_is_taken_over_and_the_late_owner_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_work, "LEASE_TIME", 0.4)
    monkeypatch.setattr(SQLiteStore, "lease_time", 0.0)  # its owner is stopped: it renews nothing

    async def test() -> None:
        one, two = shared_pair(folder)
        await one.open()
        await two.open()
        async with one.lease("k") as late:
            assert late.leader
            began = time.monotonic()
            async with two.lease("k") as lease:
                assert lease.leader
                assert 0.2 < time.monotonic() - began < 2
                assert await lease.store(entry(b"second"))
            await two.delete("k")
            async with two.lease("k") as lease:
                assert not await late.store(entry(b"first"))  # its lease is another's now
                assert await lease.store(entry(b"third"))
        found = await one.get("k")
        assert found is not None
        assert found.entry.body == b"third"
        await one.close()
        await two.close()

    asyncio.run(test())


def test_a_lease_from_before_the_clock_was_set_back_does_not_hold_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        one, two = shared_pair(folder)
        await one.open()
        await two.open()
        async with one.lease("k") as lease:
            assert lease.leader
            real = time.time
            monkeypatch.setattr(sqlite_work.time, "time", lambda: real() - 3600)
            async with two.lease("k") as other:
                assert other.leader
        await one.close()
        await two.close()

    asyncio.run(test())
