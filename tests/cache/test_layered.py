"""Memory in front of a store, where the store is in the test's hands."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from tests.cache.stores import entry

from waypost.cache.entry import Entry
from waypost.cache.layered import LayeredStore
from waypost.cache.leases import Claim
from waypost.cache.shared_page import SharedPage, slots_of
from waypost.cache.store import Fence, Found
from waypost.errors import StoreUnavailable


class Shared:
    """A store of one dict, which answers when it is told to."""

    lease_time = 0.0

    def __init__(self) -> None:
        self.page = SharedPage()
        self.page.begin(1)
        self.sure_until = float("inf")
        self.since = 0
        self.latest = 0
        self.era = "e"
        self.generation = 1
        self.held: dict[str, Found] = {}
        self.reads: list[Found | None] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, key: str, have: Found | None = None) -> Found | None:
        self.reads.append(have)
        found = self.held.get(key)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return found

    async def now(self) -> Fence:
        return Fence(self.era, self.generation)

    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        self.held[key] = Found(entry, "fresh", fence, len(self.held) + 1, self.generation)
        return self.held[key]

    async def delete(self, key: str) -> None:
        self.held.pop(key, None)

    async def revalidate(self, tags: Sequence[str], stale_for: float) -> None:
        self.generation += 1
        self.held = {key: found for key, found in self.held.items() if not set(found.entry.tags) & set(tags)}
        self.page.raise_slots(slots_of(tags), self.generation)

    async def claim(self, key: str, wait: bool) -> Claim:
        return Claim(1, await self.now())

    async def renew(self, key: str, token: int) -> bool:
        return True

    async def release(self, key: str, token: int, postpone: float) -> None: ...


async def filled(*tags: str) -> tuple[Shared, LayeredStore]:
    shared = Shared()
    store = LayeredStore(shared, 1 << 20)
    assert await store.set("k", entry(b"x", *tags), await store.fence())
    assert store.peek("k") is not None
    return shared, store


def test_a_hit_calls_nothing_that_could_wait() -> None:
    async def test() -> None:
        _, store = await filled("a", "b")
        calls: list[str] = []

        def watch(frame: FrameType, event: str, argument: object) -> None:
            if event == "c_call":
                calls.append(argument.__name__)  # type: ignore[attr-defined]  # a built-in function
            elif event == "call":
                calls.append(frame.f_code.co_name)

        sys.setprofile(watch)
        hit = store.peek("k")
        sys.setprofile(None)
        assert hit is not None
        assert calls == ["peek", "get", "monotonic", "setprofile"]

    asyncio.run(test())


def test_a_change_of_other_tags_is_looked_at_once() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        await store.revalidate(["other"])
        assert store.peek("k") is not None
        shared.page.untouched = None  # type: ignore[method-assign,assignment]  # would fail if it was asked again
        assert store.peek("k") is not None
        assert shared.reads == []

    asyncio.run(test())


def test_when_the_store_does_not_vouch_memory_is_silent() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        shared.sure_until = 0.0
        assert store.peek("k") is None
        shared.sure_until = float("inf")
        assert store.peek("k") is not None
        shared.since = 99
        shared.page.touch()
        assert store.peek("k") is None

    asyncio.run(test())


def test_what_memory_holds_need_not_be_sent_again() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        shared.sure_until = 0.0
        assert await store.get("k") is not None
        assert shared.reads == [shared.held["k"]]

    asyncio.run(test())


def test_many_reads_at_once_ask_once() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        store._records.clear()
        shared.gate.clear()
        reads = [asyncio.create_task(store.get("k")) for _ in range(100)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        shared.gate.set()
        assert all(await asyncio.gather(*reads))
        assert len(shared.reads) == 1
        reads = [asyncio.create_task(store.get("missing")) for _ in range(100)]
        assert not any(await asyncio.gather(*reads))
        assert len(shared.reads) == 2

    asyncio.run(test())


def test_who_joins_a_read_sees_what_was_revalidated_before_it_came() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        store._records.clear()
        shared.gate.clear()
        first = asyncio.create_task(store.get("k"))
        await asyncio.sleep(0.01)  # it has read, and its answer is on the way
        await store.revalidate(["a"])
        second = asyncio.create_task(store.get("k"))
        await asyncio.sleep(0.01)
        shared.gate.set()
        assert await first is not None
        assert await second is None

    asyncio.run(test())


def test_a_reader_that_is_cancelled_takes_nothing_from_the_others() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        store._records.clear()
        shared.gate.clear()
        first, second = asyncio.create_task(store.get("k")), asyncio.create_task(store.get("k"))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0)
        shared.gate.set()
        assert await second is not None
        assert len(shared.reads) == 1

    asyncio.run(test())


def test_an_error_reaches_all_who_wait_and_the_next_one_asks_again() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        store._records.clear()
        shared.error = StoreUnavailable("down")
        results = await asyncio.gather(store.get("k"), store.get("k"), return_exceptions=True)
        assert [type(result) for result in results] == [StoreUnavailable] * 2
        shared.error = None
        assert await store.get("k") is not None

    asyncio.run(test())


def test_an_error_that_nobody_waits_for_any_more_is_not_reported() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        store._records.clear()
        shared.gate.clear()
        shared.error = StoreUnavailable("down")
        read = asyncio.create_task(store.get("k"))
        await asyncio.sleep(0.01)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        shared.gate.set()
        await asyncio.sleep(0.01)

    asyncio.run(test())  # with warnings as errors


def test_a_new_era_empties_memory() -> None:
    """Generations of two eras can't be compared."""

    async def test() -> None:
        shared, store = await filled("a")
        shared.era = "another"
        assert await store.set("new", entry(b"y"), await store.fence())
        assert store.peek("k") is None
        assert store.peek("new") is not None

    asyncio.run(test())


def test_what_memory_holds_is_dated_by_when_it_was_looked_at() -> None:
    async def test() -> None:
        shared, store = await filled("a")
        shared.latest = 7
        found = await store.get("k")
        assert found is not None
        assert found.fence == Fence("e", 7)
        shared.latest = 0
        found = await store.get("k")
        assert found is not None
        assert found.fence == Fence("e", 1)

    asyncio.run(test())


def test_a_hit_costs_the_same_with_many_entries() -> None:
    """The long form, with a million: `python bench/cache_entries.py`."""
    path = Path(__file__).parents[2] / "bench" / "cache_entries.py"
    spec = importlib.util.spec_from_file_location("bench_cache_entries", path)
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    few, many = bench.measure(10)[0], bench.measure(30_000)[0]
    assert many < 3 * few, (few, many)  # a look through them all would be a thousand times
