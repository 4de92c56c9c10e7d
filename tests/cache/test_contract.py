"""What every store promises, on every kind of store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cache.stores import KINDS, Make, entry, maker

from waypost.cache.store import NOWHERE, Found, Store

Test = Callable[[Store], Awaitable[None]]


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, folder: Path, valkey: str) -> Make:
    return maker(request.param, folder, valkey)


def run(make: Make, *tests: Test) -> None:
    async def all_of_them() -> None:
        for test in tests:
            store = make()
            await store.open()
            try:
                await test(store)
            finally:
                await store.close()

    asyncio.run(all_of_them())


async def stored(store: Store, key: str, *tags: str, body: bytes = b"hello") -> None:
    assert await store.set(key, entry(body, *tags), await store.fence())


async def body(store: Store, key: str) -> bytes | None:
    found = await store.get(key)
    return None if found is None else found.entry.body


def test_what_is_set_is_found(make: Make) -> None:
    async def test(store: Store) -> None:
        assert await store.get("k") is None
        made = entry(b"x" * 5000, "a", "b", revalidate=60, expire=600)
        assert await store.set("k", made, await store.fence())
        found = await store.get("k")
        assert found is not None
        assert found.entry == made
        assert found.state == "fresh"
        assert await store.get("K") is None

    run(make, test)


def test_a_fresh_entry_is_in_memory_unless_memory_may_not_answer(make: Make, request: pytest.FixtureRequest) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k")
        await store.get("k")
        silent = any(word in request.node.name for word in ("strict", "without"))
        assert (store.peek("k") is None) == silent
        assert store.peek("other") is None

    run(make, test)


def test_keys_are_kept_apart(make: Make) -> None:
    keys = [
        "k-",
        "k45",
        "K",
        "\u212a",
        "k",
        "%2F",
        "/",
        "a=1&b=2",
        "b=2&a=1",
        "",
        " ",
        "\ud800",
        "\udfff",
        "a\0b",
        "a",
        "é",
        "e\u0301",
    ]

    async def test(store: Store) -> None:
        for key in keys:
            await stored(store, key, body=repr(key).encode())
        for key in keys:
            assert await body(store, key) == repr(key).encode()

    run(make, test)


def test_revalidation_with_expiry_hides_the_entry_at_once(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a", "b")
        await stored(store, "other", "c")
        assert await body(store, "k") == b"hello"
        assert await body(store, "other") == b"hello"
        await store.revalidate(["b"])
        assert store.peek("k") is None
        assert await store.get("k") is None
        assert await body(store, "other") == b"hello"
        await stored(store, "k", "a", "b", body=b"new")
        assert await body(store, "k") == b"new"

    run(make, test)


def test_several_tags_at_once(make: Make) -> None:
    async def test(store: Store) -> None:
        for key in "abcd":
            await stored(store, key, key)
        await store.revalidate(["a", "b", "a", "c"])
        assert [await body(store, key) for key in "abcd"] == [None, None, None, b"hello"]
        await store.revalidate([])
        assert await body(store, "d") == b"hello"

    run(make, test)


def test_tags_are_exact(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "posts", "x" * 300, "\ud800", "a\0b")
        for other in ("Posts", "post", "posts ", "x" * 299, "\udfff", "a", "", "p%", "pos*"):
            await store.revalidate([other])
            assert await body(store, "k") == b"hello"
        for tag in ("x" * 300, "\ud800", "a\0b"):
            await stored(store, "k", tag)
            await store.revalidate([tag])
            assert await store.get("k") is None

    run(make, test)


def test_stale_once_gives_the_old_value_until_it_is_filled(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a")
        await store.revalidate(["a"], stale_for=float("inf"))
        assert store.peek("k") is None
        for _ in range(3):
            found = await store.get("k")
            assert found is not None
            assert (found.state, found.entry.body) == ("stale", b"hello")
        await stored(store, "k", "a", body=b"new")
        found = await store.get("k")
        assert found is not None
        assert (found.state, found.entry.body) == ("fresh", b"new")

    run(make, test)


def test_stale_for_a_time_and_then_gone(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a")
        await store.revalidate(["a"], stale_for=0.3)
        found = await store.get("k")
        assert found is not None
        assert found.state == "stale"
        await asyncio.sleep(0.35)
        assert await store.get("k") is None
        await stored(store, "k", "a", body=b"new")
        assert await body(store, "k") == b"new"

    run(make, test)


def test_a_later_deadline_does_not_bring_back_what_was_gone(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a")
        await store.revalidate(["a"], stale_for=0.1)
        await asyncio.sleep(0.15)
        await store.revalidate(["a"], stale_for=100)
        assert await store.get("k") is None

    run(make, test)


def test_expiry_after_stale_once_wins(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a")
        await store.revalidate(["a"], stale_for=100)
        await store.revalidate(["a"])
        assert await store.get("k") is None
        await stored(store, "k", "a")
        await store.revalidate(["a"])
        await store.revalidate(["a"], stale_for=100)
        assert await store.get("k") is None

    run(make, test)


@pytest.mark.parametrize("stale_for", [0.0, 100.0])
def test_a_revalidation_during_a_fill_keeps_it_from_being_stored(make: Make, stale_for: float) -> None:
    async def test(store: Store) -> None:
        fence = await store.fence()
        await store.revalidate(["a"], stale_for=stale_for)
        assert not await store.set("k", entry(b"old", "a"), fence)
        assert await store.get("k") is None
        assert await store.set("other", entry(b"old", "b"), fence)
        async with store.lease("k") as lease:
            assert lease.leader
            await store.revalidate(["a"], stale_for=stale_for)
            assert not await lease.store(entry(b"old", "a"))
        assert await store.get("k") is None
        async with store.lease("k") as lease:
            assert await lease.store(entry(b"new", "a"))
        assert await body(store, "k") == b"new"

    run(make, test)


def test_a_refused_fill_leaves_the_stale_entry(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k", "a")
        await store.revalidate(["a"], stale_for=100)
        async with store.lease("k", wait=False) as lease:
            await store.revalidate(["a"], stale_for=100)
            assert not await lease.store(entry(b"middle", "a"))
        found = await store.get("k")
        assert found is not None
        assert (found.state, found.entry.body) == ("stale", b"hello")

    run(make, test)


def test_a_fill_is_as_old_as_what_it_was_made_of(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "data", "a")
        await store.revalidate(["a"], stale_for=100)
        old = await store.get("data")
        assert old is not None
        async with store.lease("page") as lease:
            assert not await lease.store(entry(b"made of old", "a", "p"), used=[old])
        await stored(store, "data", "a", body=b"new")
        new = await store.get("data")
        assert new is not None
        async with store.lease("page") as lease:
            assert await lease.store(entry(b"made of new", "a", "p"), used=[new])

    run(make, test)


def test_an_old_but_fresh_part_does_not_make_the_whole_old(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "data", "a")
        await store.get("data")
        await store.revalidate(["p"])
        for _ in range(2):  # from the store, from memory
            part = await store.get("data")
            assert part is not None
            async with store.lease("page") as lease:
                assert await lease.store(entry(b"page", "a", "p"), used=[part])
            assert await body(store, "page") == b"page"
            await store.revalidate(["p"])

    run(make, test)


def test_a_part_that_was_revalidated_after_it_was_read_keeps_the_whole_out(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "data", "a")
        part = await store.get("data")
        assert part is not None
        await store.revalidate(["a"])
        async with store.lease("page") as lease:
            assert not await lease.store(entry(b"page", "a"), used=[part])

    run(make, test)


def test_nothing_is_stored_behind_no_fence(make: Make) -> None:
    async def test(store: Store) -> None:
        assert not await store.set("k", entry(), NOWHERE)
        fence = await store.fence()
        assert not await store.set("k", entry(), replace(fence, era="another"))
        assert fence.oldest(replace(fence, era="another")) == NOWHERE

    run(make, test)


def test_time_makes_stale_and_then_gone(make: Make) -> None:
    async def test(store: Store) -> None:
        fence = await store.fence()
        await store.set("fresh", entry(revalidate=100, age=50), fence)
        await store.set("stale", entry(revalidate=100, expire=200, age=150), fence)
        await store.set("gone", entry(revalidate=100, expire=200, age=250), fence)
        states = [await store.get(key) for key in ("fresh", "stale", "gone")]
        assert [found and found.state for found in states] == ["fresh", "stale", None]
        assert store.peek("stale") is None

    run(make, test)


def test_time_passes_in_memory_too(make: Make) -> None:
    async def test(store: Store) -> None:
        await store.set("k", entry(revalidate=0.3), await store.fence())
        await store.get("k")
        await asyncio.sleep(0.35)
        assert store.peek("k") is None
        found = await store.get("k")
        assert found is not None
        assert found.state == "stale"

    run(make, test)


def test_delete(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k")
        await store.delete("k")
        assert store.peek("k") is None
        assert await store.get("k") is None
        await store.delete("k")

    run(make, test)


def test_remembered_tags_are_bounded_and_nothing_old_comes_back(
    folder: Path, valkey: str, request: pytest.FixtureRequest
) -> None:
    for kind in KINDS:
        make = maker(kind, folder / kind, valkey, max_tags=20)

        async def test(store: Store) -> None:
            await stored(store, "revalidated", "tag 0")
            await stored(store, "untouched", "quiet")
            for number in range(100):
                await store.revalidate([f"tag {number}"])
            # The mark of tag 0 is long forgotten; what could have carried it is not believed any more.
            assert await store.get("revalidated") is None
            await stored(store, "untouched", "quiet")
            await store.revalidate(["tag 0"])
            assert await body(store, "untouched") == b"hello"

        run(make, test)


# -- one fill for each key


def test_many_waiters_one_fill(make: Make) -> None:
    async def test(store: Store) -> None:
        fills = 0

        async def wanted() -> bytes:
            nonlocal fills
            async with store.lease("k") as lease:
                if lease.found is not None:
                    return lease.found.entry.body
                assert lease.leader
                fills += 1
                await asyncio.sleep(0.05)
                assert await lease.store(entry(b"filled"))
                return b"filled"

        assert set(await asyncio.gather(*(wanted() for _ in range(200)))) == {b"filled"}
        assert fills == 1

    run(make, test)


def test_waiters_take_what_is_stale_as_soon_as_it_is_stored(make: Make) -> None:
    """Else each of them would fill it again, one after the other."""

    async def test(store: Store) -> None:
        fills = 0

        async def wanted() -> None:
            nonlocal fills
            async with store.lease("k") as lease:
                if lease.found is None:
                    fills += 1
                    await asyncio.sleep(0.05)
                    assert await lease.store(entry(b"filled", revalidate=0.001))
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(wanted() for _ in range(50)))
        assert fills == 1

    run(make, test)


def test_a_key_that_is_filled_already_needs_no_fill(make: Make) -> None:
    async def test(store: Store) -> None:
        await stored(store, "k")
        async with store.lease("k") as lease:
            assert not lease.leader
            assert isinstance(lease.found, Found)
            assert not await lease.store(entry(b"other"))
        assert await body(store, "k") == b"hello"

    run(make, test)


def test_who_does_not_wait_is_sent_away(make: Make) -> None:
    async def test(store: Store) -> None:
        async with store.lease("k", wait=False) as first:
            assert first.leader

            async def second() -> tuple[bool, object]:
                async with store.lease("k", wait=False) as lease:
                    return lease.leader, lease.found

            assert await asyncio.create_task(second()) == (False, None)
            await first.store(entry())
        async with store.lease("k", wait=False) as third:
            assert not third.leader
            assert third.found is not None

    run(make, test)


def test_waiters_go_on_alone_when_the_leader_has_nothing(make: Make) -> None:
    async def test(store: Store) -> None:
        async def wanted() -> str:
            async with store.lease("k") as lease:
                if lease.leader:
                    await asyncio.sleep(0.05)
                    return "leader"
                assert lease.found is None
                return "alone"

        results = await asyncio.gather(*(wanted() for _ in range(20)))
        assert results.count("leader") == 1
        async with store.lease("k") as lease:
            assert lease.leader

    run(make, test)


def test_a_failed_leader_lets_the_others_go(make: Make) -> None:
    async def test(store: Store) -> None:
        began = asyncio.Event()

        async def leader() -> None:
            async with store.lease("k") as lease:
                assert lease.leader
                began.set()
                await asyncio.sleep(0.05)
                raise RuntimeError("handler")

        async def follower() -> bool:
            await began.wait()
            async with store.lease("k") as lease:
                return lease.leader

        results = await asyncio.gather(leader(), follower(), return_exceptions=True)
        assert isinstance(results[0], RuntimeError)
        assert results[1] is False

    run(make, test)


def test_a_cancelled_leader_is_replaced_by_a_waiter(make: Make) -> None:
    async def test(store: Store) -> None:
        began = asyncio.Event()

        async def leader() -> None:
            async with store.lease("k") as lease:
                assert lease.leader
                began.set()
                await asyncio.sleep(60)

        async def follower() -> bool:
            await began.wait()
            async with store.lease("k") as lease:
                return lease.leader and await lease.store(entry(b"second"))

        first = asyncio.create_task(leader())
        others = [asyncio.create_task(follower()) for _ in range(5)]
        await began.wait()
        await asyncio.sleep(0.02)
        first.cancel()
        assert sum(await asyncio.gather(*others)) == 1
        assert await body(store, "k") == b"second"

    run(make, test)


def test_a_waiter_that_is_cancelled_disturbs_nobody(make: Make) -> None:
    async def test(store: Store) -> None:
        async def wanted() -> bytes:
            async with store.lease("k") as lease:
                if lease.found is not None:
                    return lease.found.entry.body
                await asyncio.sleep(0.1)
                await lease.store(entry(b"filled"))
                return b"leader"

        first = asyncio.create_task(wanted())
        await asyncio.sleep(0.03)
        others = [asyncio.create_task(wanted()) for _ in range(4)]
        await asyncio.sleep(0.01)
        others[1].cancel()
        results = await asyncio.gather(first, *others, return_exceptions=True)
        assert isinstance(results.pop(2), asyncio.CancelledError)
        assert results == [b"leader", b"filled", b"filled", b"filled"]

    run(make, test)


def test_waiters_who_come_after_a_revalidation_get_nothing_older(make: Make) -> None:
    """The leader began before the revalidation: its result is its own, the others' is made anew."""

    async def test(store: Store) -> None:
        value = b"before"
        fills = 0

        async def wanted() -> bytes:
            nonlocal fills
            async with store.lease("k") as lease:
                if lease.found is not None:
                    return lease.found.entry.body
                fills += 1
                seen = value
                await asyncio.sleep(0.1)
                await lease.store(entry(seen, "a"))
                return seen

        first = asyncio.create_task(wanted())
        await asyncio.sleep(0.04)
        value = b"after"
        await store.revalidate(["a"])
        others = await asyncio.gather(*(wanted() for _ in range(20)))
        assert set(others) == {b"after"}
        assert await first == b"before"
        assert fills == 2

    run(make, test)


def test_a_task_does_not_wait_for_itself(make: Make) -> None:
    async def test(store: Store) -> None:
        async with store.lease("k") as outer:
            assert outer.leader
            async with store.lease("k") as inner:
                assert not inner.leader
                assert inner.found is None
            async with store.lease("other") as nested:
                assert nested.leader
                await nested.store(entry())
            assert await outer.store(entry(b"outer"))
        async with store.lease("again") as lease:
            assert lease.leader

    run(make, test)


def test_a_postponed_refresh_is_not_tried_again_at_once(make: Make) -> None:
    async def test(store: Store) -> None:
        async with store.lease("k", wait=False) as lease:
            assert lease.leader
            await lease.postpone(0.3)
            assert not lease.leader
        async with store.lease("k", wait=False) as lease:
            assert not lease.leader
        async with store.lease("k") as lease:
            assert lease.leader  # a client waits: it does not have to wait for that
        async with store.lease("k", wait=False) as lease:
            assert lease.leader

    run(make, test)


def test_a_postponed_refresh_is_tried_later(make: Make) -> None:
    async def test(store: Store) -> None:
        async with store.lease("k", wait=False) as lease:
            await lease.postpone(0.2)
        await asyncio.sleep(0.25)
        async with store.lease("k", wait=False) as lease:
            assert lease.leader

    run(make, test)


# -- two of them


SHARED = [kind for kind in KINDS if kind != "memory"]


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, folder: Path, valkey: str) -> Make:
    return maker(request.param, folder, valkey)


def run_two(make: Make, test: Callable[[Store, Store], Awaitable[None]]) -> None:
    async def both() -> None:
        one, two = make(), make()
        await one.open()
        await two.open()
        try:
            await test(one, two)
        finally:
            await one.close()
            await two.close()

    asyncio.run(both())


def test_two_see_the_same(shared: Make) -> None:
    async def test(one: Store, two: Store) -> None:
        await stored(one, "k", "a")
        assert await body(two, "k") == b"hello"
        await two.delete("k")

    run_two(shared, test)


def test_a_revalidation_is_seen_by_the_other(shared: Make, request: pytest.FixtureRequest) -> None:
    """At once on one machine and in strict mode, else within 100 ms."""
    at_once = "valkey-" not in f"{request.node.callspec.id}-"

    async def test(one: Store, two: Store) -> None:
        for round_ in range(50):
            await stored(one, "k", "a", body=str(round_).encode())
            assert await body(two, "k") == str(round_).encode()
            await one.revalidate(["a"])
            acknowledged = time.monotonic()
            if at_once:
                assert two.peek("k") is None
                assert await two.get("k") is None
            else:
                while two.peek("k") is not None or await two.get("k") is not None:
                    assert time.monotonic() - acknowledged < 0.1
                    await asyncio.sleep(0)

    run_two(shared, test)


def test_what_the_other_stored_again_is_seen_after_a_revalidation(shared: Make) -> None:
    async def test(one: Store, two: Store) -> None:
        for round_ in range(20):
            await one.revalidate(["a"])
            await stored(one, "k", "a", body=str(round_).encode())
            found = await two.get("k")
            while found is not None and found.entry.body != str(round_).encode():
                await asyncio.sleep(0.01)  # the push is on its way
                found = await two.get("k")
            assert found is not None

    run_two(shared, test)


def test_one_fill_in_both(shared: Make) -> None:
    async def test(one: Store, two: Store) -> None:
        fills = 0

        async def wanted(store: Store) -> bytes:
            nonlocal fills
            async with store.lease("k") as lease:
                if lease.found is not None:
                    return lease.found.entry.body
                fills += 1
                await asyncio.sleep(0.1)
                assert await lease.store(entry(b"filled"))
                return b"filled"

        results = await asyncio.gather(*(wanted(store) for _ in range(50) for store in (one, two)))
        assert set(results) == {b"filled"}
        assert fills == 1

    run_two(shared, test)


def test_a_fill_on_one_is_refused_after_a_revalidation_on_the_other(shared: Make) -> None:
    async def test(one: Store, two: Store) -> None:
        async with one.lease("k") as lease:
            await two.revalidate(["a"])
            assert not await lease.store(entry(b"old", "a"))
        assert await two.get("k") is None

    run_two(shared, test)


def test_entries_outlive_the_process_and_revalidations_too(shared: Make) -> None:
    async def first(store: Store) -> None:
        await stored(store, "kept", "a")
        await stored(store, "revalidated", "b")
        await store.revalidate(["b"])

    async def second(store: Store) -> None:
        assert await body(store, "kept") == b"hello"
        assert await store.get("revalidated") is None

    run(shared, first, second)


def test_another_build_sees_nothing(folder: Path, valkey: str) -> None:
    async def first(store: Store) -> None:
        await stored(store, "k")

    async def second(store: Store) -> None:
        assert await store.get("k") is None

    for kind in SHARED:
        run(maker(kind, folder / kind / "one", valkey), first)
        run(maker(kind, folder / kind / "two", valkey), second)


def test_an_unopened_store_can_be_closed(make: Make) -> None:
    async def test() -> None:
        store = make()
        await store.close()
        await store.open()
        await store.close()
        await store.close()

    asyncio.run(test())
