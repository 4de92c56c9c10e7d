"""Caching decides: hit, stale, fill, bypass. Here with a store in memory; the conformance cases ask the others."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.cache.running import with_caching

from waypost.cache.caching import Caching, Made
from waypost.cache.entry import NEVER, Entry
from waypost.cache.memory_store import MemoryStore
from waypost.cache.store import Found, Store
from waypost.errors import HTTPError, StoreUnavailable


class Source:
    """Makes numbered answers; `wait` seconds each."""

    def __init__(self, *, wait: float = 0.0, tags: tuple[str, ...] = ("t",), revalidate: float = NEVER) -> None:
        self.runs = 0
        self.wait = wait
        self.tags = tags
        self.revalidate = revalidate
        self.error: BaseException | None = None
        self.stored = True

    async def __call__(self) -> Made:
        self.runs += 1
        number, created = self.runs, time.time()
        await asyncio.sleep(self.wait)
        if self.error is not None:
            raise self.error
        body = b"%d" % number
        entry = Entry(200, (), body, created, self.revalidate, NEVER, self.tags)
        return Made(body, entry if self.stored else None, reason="Set-Cookie")


async def text(caching: Caching, source: Source, key: str = "k", **options: Any) -> tuple[str, bytes]:
    served = await caching.read(key, source, **options)
    if served.entry is not None:
        return served.how, served.entry.body
    assert served.made is not None
    return served.how, served.made.value


def test_a_miss_then_hits() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        assert await text(caching, source) == ("miss", b"1")
        assert await text(caching, source) == ("hit", b"1")
        assert await text(caching, source, "other") == ("miss", b"2")

    with_caching(test)


def test_500_waiters_one_run() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.05)
        results = await asyncio.gather(*(text(caching, source) for _ in range(500)))
        assert source.runs == 1
        assert sorted({how for how, _ in results}) == ["collapsed", "miss"]
        assert {body for _, body in results} == {b"1"}

    with_caching(test)


def test_500_waiters_on_an_expired_key_one_run() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.02)
        await text(caching, source)
        await caching.revalidate(("t",), 0.0)
        results = await asyncio.gather(*(text(caching, source) for _ in range(500)))
        assert source.runs == 2
        assert {body for _, body in results} == {b"2"}

    with_caching(test)


def test_a_stale_copy_is_served_at_once_and_refreshed_once_behind() -> None:
    async def test(caching: Caching) -> None:
        source = Source(revalidate=0.05)
        await text(caching, source)
        await asyncio.sleep(0.06)
        source.wait = 0.5
        began = time.monotonic()
        assert await asyncio.gather(*(text(caching, source) for _ in range(50))) == [("stale", b"1")] * 50
        assert time.monotonic() - began < 0.45
        await asyncio.sleep(0.6)
        assert source.runs == 2
        assert (await text(caching, source))[1] == b"2"

    with_caching(test)


def test_revalidation_that_allows_one_stale_read() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        await text(caching, source)
        await caching.revalidate(("t",), 60.0)
        assert await text(caching, source) == ("stale", b"1")
        await asyncio.sleep(0.01)
        assert await text(caching, source) == ("hit", b"2")
        assert source.runs == 2

    with_caching(test)


def test_what_must_be_fresh_waits_for_the_new() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        await text(caching, source)
        await caching.revalidate(("t",), 60.0)
        assert (await text(caching, source, must_be_fresh=True))[1] == b"2"

    with_caching(test)


def test_a_failed_refresh_keeps_the_stale_copy_and_waits_before_it_tries_again() -> None:
    told: list[tuple[str, str]] = []

    async def test(caching: Caching) -> None:
        source = Source(revalidate=0.01)
        await text(caching, source)
        await asyncio.sleep(0.02)
        source.error = RuntimeError("upstream is down")
        for _ in range(5):
            assert await text(caching, source) == ("stale", b"1")
            await asyncio.sleep(0.01)
        assert source.runs == 2
        assert told == [("upstream is down", "k")]
        caching._pauses.clear()
        assert isinstance(caching.store, MemoryStore)
        caching.store._postponed.clear()
        source.error = None
        assert await text(caching, source) == ("stale", b"1")
        await asyncio.sleep(0.005)
        assert (await text(caching, source))[1] == b"3"

    with_caching(test, on_error=lambda error, key: told.append((str(error), key)))


def test_a_refresh_that_may_not_be_stored_is_a_failed_one() -> None:
    async def test(caching: Caching) -> None:
        source = Source(revalidate=0.01)
        await text(caching, source)
        await asyncio.sleep(0.02)
        source.stored = False
        for _ in range(3):
            assert await text(caching, source) == ("stale", b"1")
            await asyncio.sleep(0.01)
        assert source.runs == 2

    with_caching(test)


def test_a_failed_first_fill_is_an_error_for_all_and_stores_nothing() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.02)
        source.error = ValueError("no")
        results = await asyncio.gather(*(text(caching, source) for _ in range(20)), return_exceptions=True)
        assert [str(result) for result in results] == ["no"] * 20
        assert source.runs == 1
        source.error = None
        assert (await text(caching, source))[0] == "miss"

    with_caching(test)


def test_an_answer_for_one_client_is_given_to_nobody_else() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.02)
        source.stored = False
        results = await asyncio.gather(*(text(caching, source) for _ in range(10)))
        assert len({body for _, body in results}) == 10

    with_caching(test)


def test_a_revalidation_during_a_fill_keeps_it_from_being_stored() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.05)
        first = asyncio.create_task(text(caching, source))
        await asyncio.sleep(0.02)
        await caching.revalidate(("t",), 0.0)
        # Whoever comes after the revalidation waits for a fill that began after it.
        late = [asyncio.create_task(text(caching, source)) for _ in range(20)]
        assert (await first)[1] == b"1"
        assert {body for _, body in await asyncio.gather(*late)} == {b"2"}
        assert source.runs == 2
        assert await text(caching, source) == ("hit", b"2")

    with_caching(test)


def test_the_fill_goes_on_when_the_client_who_caused_it_leaves() -> None:
    async def test(caching: Caching) -> None:
        source = Source(wait=0.05)
        first = asyncio.create_task(text(caching, source))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(text(caching, source))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == ("collapsed", b"1")
        assert source.runs == 1

    with_caching(test)


def test_a_fill_sees_no_variables_of_the_request() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    async def test(caching: Caching) -> None:
        async def make() -> Made:
            name = user.get().encode()
            return Made(name, Entry(200, (), name, time.time()))

        user.set("alice")
        assert (await caching.read("k", make)).made.value == b"nobody"  # type: ignore[union-attr]
        assert (await caching.bypass(make)).made.value == b"nobody"  # type: ignore[union-attr]

    with_caching(test)


def test_a_fill_has_a_time_limit() -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(HTTPError) as raised:
            await text(caching, Source(wait=5))
        assert raised.value.status == 504

    with_caching(test, time_limit=0.02)


def test_a_time_out_of_the_code_itself_stays_what_it_is() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        source.error = TimeoutError("the database")
        with pytest.raises(TimeoutError, match="the database"):
            await text(caching, source)

    with_caching(test, time_limit=5)


def test_sys_exit_in_a_fill_ends_the_request_and_not_the_worker() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        source.error = SystemExit(3)
        with pytest.raises(RuntimeError, match="SystemExit"):
            await text(caching, source)
        source.error = None
        assert (await text(caching, source))[0] == "miss"

    with_caching(test)


class DownStore(MemoryStore):
    """A store that can be switched off."""

    down = False

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("it is switched off")

    def peek(self, key: str) -> Entry | None:
        return None if self.down else super().peek(key)

    async def get(self, key: str) -> Found | None:
        self._check()
        return await super().get(key)

    async def revalidate(self, tags: Any, *, stale_for: float = 0.0) -> None:
        self._check()
        await super().revalidate(tags, stale_for=stale_for)


def test_a_store_that_is_down_is_a_bypass_and_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    store = DownStore(1 << 20, 10)

    async def test(caching: Caching) -> None:
        source = Source()
        await text(caching, source)
        store.down = True
        assert [await text(caching, source) for _ in range(3)] == [("bypass", b"2"), ("bypass", b"3"), ("bypass", b"4")]
        with pytest.raises(StoreUnavailable):
            await caching.revalidate(("t",), 0.0)
        store.down = False
        assert await text(caching, source) == ("hit", b"1")

    with_caching(test, store=store)
    assert len([record for record in caplog.records if "switched off" in record.message]) == 1


def test_without_a_store_everything_is_a_bypass() -> None:
    async def run() -> None:
        caching = Caching()
        caching.start(None)
        source = Source()
        assert [await text(caching, source) for _ in range(2)] == [("bypass", b"1"), ("bypass", b"2")]
        await caching.revalidate(("t",), 0.0)
        assert not caching.has_store
        await caching.close()

    asyncio.run(run())


def test_a_look_fills_nothing() -> None:
    async def test(caching: Caching) -> None:
        source = Source()
        assert await caching.look("k", source) is None
        assert source.runs == 0
        await text(caching, source)
        found = await caching.look("k", source)
        assert found is not None and found.how == "hit"

    with_caching(test)


class SeedsOf:
    """Offers one entry, as a build does."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.offers = 0

    async def offer(self, key: str, store: Store) -> Entry | None:
        self.offers += 1
        if key != "k" or not await store.set(key, self.entry, (await store.fence()).beginning):
            return None
        return self.entry


def seeded(revalidate: float, test: Callable[[Caching, SeedsOf], Awaitable[None]]) -> None:
    async def run(caching: Caching) -> None:
        seeds = SeedsOf(Entry(200, (), b"built", time.time() - 100, revalidate, NEVER, ("t",)))
        caching.seeds = seeds
        await test(caching, seeds)

    with_caching(run)


def test_what_a_build_made_is_served_without_a_run() -> None:
    async def test(caching: Caching, seeds: SeedsOf) -> None:
        source = Source()
        results = await asyncio.gather(*(text(caching, source) for _ in range(20)))
        assert {body for _, body in results} == {b"built"}
        assert (source.runs, seeds.offers) == (0, 1)
        assert await text(caching, source) == ("hit", b"built")
        assert await text(caching, source, "other") == ("miss", b"1")

    seeded(NEVER, test)


def test_what_a_build_made_long_ago_is_served_stale_and_refreshed() -> None:
    async def test(caching: Caching, seeds: SeedsOf) -> None:
        source = Source()
        assert await text(caching, source) == ("stale", b"built")
        await asyncio.sleep(0.01)
        assert await text(caching, source) == ("hit", b"1")

    seeded(10, test)


def test_what_a_build_made_does_not_come_back_after_a_revalidation() -> None:
    async def test(caching: Caching, seeds: SeedsOf) -> None:
        source = Source()
        await caching.revalidate(("t",), 0.0)
        assert await text(caching, source) == ("miss", b"1")
        await caching.revalidate(("t",), 0.0)
        assert await text(caching, source) == ("miss", b"2")

    seeded(NEVER, test)


def test_closing_waits_for_what_is_under_way() -> None:
    source = Source(wait=0.05)

    async def test(caching: Caching) -> None:
        reading = asyncio.create_task(text(caching, source))
        await asyncio.sleep(0.01)
        await caching.close(5)
        assert (await reading)[1] == b"1"

    with_caching(test)
