from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.cache.running import with_caching

from waypost import after, cookies, draft_mode, headers
from waypost.cache import cache_life, cache_tag, cached, revalidate_tag, update_tag
from waypost.cache.caching import Caching
from waypost.cache.entry import Entry
from waypost.cache.memory_store import MemoryStore
from waypost.errors import CacheUsageError, DynamicReadError, HTTPError

RUNS: dict[str, int] = {}


@pytest.fixture(autouse=True)
def _counts() -> None:
    RUNS.clear()


def run(name: str) -> int:
    RUNS[name] = RUNS.get(name, 0) + 1
    return RUNS[name]


@cached
async def plain(a: int, b: str = "x") -> dict[str, Any]:
    return {"a": a, "b": b, "n": run("plain")}


@cached(tags=["posts"], revalidate=60)
async def posts(page: int) -> list[int]:
    run("posts")
    return [page, RUNS["posts"]]


def entries(caching: Caching) -> list[Entry]:
    assert isinstance(caching.store, MemoryStore)
    return [record.entry for record in caching.store._records.table.values()]


def inside(test: Callable[[Caching], Awaitable[None]]) -> None:
    with_caching(test)


def test_a_result_is_kept_for_its_arguments() -> None:
    async def test(caching: Caching) -> None:
        assert await plain(1) == {"a": 1, "b": "x", "n": 1}
        assert await plain(1) == await plain(a=1) == await plain(1, "x") == {"a": 1, "b": "x", "n": 1}
        assert (await plain(2))["n"] == 2
        assert (await plain(1, "y"))["n"] == 3
        assert (await plain(True))["n"] == 4  # type: ignore[arg-type]
        assert RUNS["plain"] == 4

    inside(test)


def test_nobody_shares_an_object() -> None:
    async def test(caching: Caching) -> None:
        first = await plain(1)
        first["a"] = "changed"
        assert (await plain(1))["a"] == 1

    inside(test)


def test_a_hit_gives_what_a_miss_gave() -> None:
    @cached
    async def when() -> dict[str, Any]:
        return {"at": datetime(2026, 1, 1, tzinfo=UTC), "pair": (1, 2)}

    async def test(caching: Caching) -> None:
        miss, hit = await when(), await when()
        assert miss == hit and type(miss["at"]) is type(hit["at"]) is datetime and type(hit["pair"]) is tuple

    inside(test)


@dataclass
class Post:
    id: int
    at: datetime


def test_models_by_annotation() -> None:
    @cached
    async def post(id: int) -> Post:
        return Post(id, datetime(2026, 1, 1))

    async def test(caching: Caching) -> None:
        assert await post(1) == await post(1) == Post(1, datetime(2026, 1, 1))

    inside(test)


def test_a_result_that_cant_be_kept_is_an_error_at_the_call() -> None:
    @cached
    async def connection() -> Any:
        return threading.Lock()

    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match=r"connection\(\).*lock"):
            await connection()

    inside(test)


def test_an_argument_that_is_no_key_is_an_error_before_the_run() -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match="the argument a of"):
            await plain(object())  # type: ignore[arg-type]
        assert RUNS == {}

    inside(test)


def test_revalidate_tag_reaches_it() -> None:
    async def test(caching: Caching) -> None:
        assert await posts(1) == await posts(1) == [1, 1]
        await update_tag("posts")
        assert await posts(1) == [1, 2]
        await revalidate_tag("posts", "max")
        assert await posts(1) == [1, 2]  # once more
        await asyncio.sleep(0.01)
        assert await posts(1) == [1, 3]
        await revalidate_tag("other", {"expire": 0})
        assert await posts(1) == [1, 3]

    inside(test)


def test_tags_may_depend_on_the_arguments() -> None:
    @cached(tags=lambda number: [f"post-{number}"])
    async def post(number: int) -> int:
        return run(f"post{number}")

    async def test(caching: Caching) -> None:
        await post(1), await post(2)
        await update_tag("post-1")
        assert (await post(1), await post(2)) == (2, 1)

    inside(test)


def test_time_makes_it_stale_and_refreshed() -> None:
    @cached(revalidate=0.05)
    async def now() -> int:
        return run("now")

    async def test(caching: Caching) -> None:
        assert await now() == await now() == 1
        await asyncio.sleep(0.06)
        assert await now() == 1
        await asyncio.sleep(0.01)
        assert await now() == 2

    inside(test)


def test_as_a_call() -> None:
    async def load(x: int) -> int:
        return run("load") * x

    async def test(caching: Caching) -> None:
        assert await cached(load, tags=["a"])(2) == await cached(load, tags=["a"])(2) == 2
        assert await cached(load, key=["v2"])(2) == 4  # another key

    inside(test)


def test_what_a_function_closes_over_is_part_of_its_key() -> None:
    def loader(user: Any, **options: Any) -> Callable[[], Awaitable[str]]:
        @cached(**options)
        async def profile() -> str:
            run("profile")
            return f"profile of {user}"

        return profile

    async def test(caching: Caching) -> None:
        assert await loader("alice")() == "profile of alice"
        assert await loader("bob")() == "profile of bob"
        assert await loader("alice")() == "profile of alice"
        assert RUNS["profile"] == 2
        with pytest.raises(CacheUsageError, match="closes over user"):
            await loader(object())()
        # Who names the key by hand says what it depends on.
        assert await loader("carol", key=["carol"])() == await loader("dave", key=["carol"])() == "profile of carol"

    inside(test)


def test_methods_of_values_and_of_objects() -> None:
    @dataclass
    class Shop:
        name: str

        @cached
        async def stock(self, item: str) -> str:
            return f"{self.name} {item} {run('stock')}"

    class Client:
        @cached
        async def get(self) -> int:
            return 1

    async def test(caching: Caching) -> None:
        assert await Shop("a").stock("x") == await Shop("a").stock("x") == "a x 1"
        assert await Shop("b").stock("x") == "b x 2"
        with pytest.raises(CacheUsageError, match="the argument self of"):
            await Client().get()

    inside(test)


def test_errors_are_not_kept_and_reach_all_who_wait() -> None:
    @cached
    async def broken() -> int:
        run("broken")
        await asyncio.sleep(0.01)
        raise LookupError("no")

    async def test(caching: Caching) -> None:
        results = await asyncio.gather(*(broken() for _ in range(5)), return_exceptions=True)
        assert [str(result) for result in results] == ["no"] * 5
        with pytest.raises(LookupError):
            await broken()
        assert RUNS["broken"] == 2

    inside(test)


def test_a_recursive_function_is_cached_at_each_step() -> None:
    @cached
    async def fibonacci(n: int) -> int:
        run("fibonacci")
        return n if n < 2 else await fibonacci(n - 1) + await fibonacci(n - 2)

    async def test(caching: Caching) -> None:
        assert await fibonacci(20) == 6765
        assert RUNS["fibonacci"] == 21

    inside(test)


def test_two_functions_that_wait_for_each_other_come_to_an_end() -> None:
    @cached
    async def endless(n: int) -> int:
        if run("endless") > 3:
            return n
        return await endless(n)

    async def test(caching: Caching) -> None:
        assert await asyncio.wait_for(endless(1), 5) == 1

    inside(test)


def test_the_whole_has_the_tags_and_the_life_of_its_parts() -> None:
    @cached(tags=["part"], revalidate=30)
    async def part() -> int:
        return run("part")

    @cached(tags=["whole"])
    async def whole() -> int:
        cache_tag("inner", "more")
        return await part() + 100

    async def test(caching: Caching) -> None:
        assert await whole() == 101
        newest = max(entries(caching), key=lambda entry: len(entry.tags))
        assert set(newest.tags) == {"whole", "part", "inner", "more"} and newest.revalidate == 30
        await update_tag("part")
        assert await whole() == 102
        await revalidate_tag("part", "max")  # the whole is shown once more; what replaces it is built on the new part
        assert await whole() == 102
        await asyncio.sleep(0.02)
        assert await whole() == 103
        assert RUNS["part"] == 3

    inside(test)


def test_a_whole_made_of_a_part_that_was_cached_before_goes_with_it() -> None:
    @cached(tags=["part"])
    async def part() -> int:
        return run("part")

    @cached
    async def whole() -> int:
        return await part()

    async def test(caching: Caching) -> None:
        await part()
        assert await whole() == 1
        await update_tag("part")
        assert await whole() == 2

    inside(test)


def test_cache_life_says_how_long() -> None:
    @cached(revalidate=7)
    async def lived(how: Any) -> int:
        for profile in how:
            cache_life(profile)
        return 1

    async def test(caching: Caching) -> None:
        await lived(["hours"])
        assert (entries(caching)[-1].revalidate, entries(caching)[-1].expire) == (3600, 86400)
        await lived(["hours", "minutes"])
        assert (entries(caching)[-1].revalidate, entries(caching)[-1].expire) == (60, 3600)
        await lived([{"revalidate": 1, "expire": 5}])
        assert (entries(caching)[-1].revalidate, entries(caching)[-1].expire) == (1, 5)
        await lived([])
        assert entries(caching)[-1].revalidate == 7
        with pytest.raises(CacheUsageError, match="no profile 'hour'"):
            await lived(["hour"])

    inside(test)


def test_cache_tag_and_cache_life_belong_inside() -> None:
    async def test(caching: Caching) -> None:
        for call in (lambda: cache_tag("a"), lambda: cache_life("hours")):
            with pytest.raises(CacheUsageError, match="belongs inside"):
                call()

    inside(test)


@pytest.mark.parametrize(
    ("call", "name"),
    [(cookies, "cookies()"), (headers, "headers()"), (draft_mode, "draft_mode()"), (lambda: after(print), "after()")],
)
def test_the_request_cant_be_read_inside(call: Callable[[], Any], name: str) -> None:
    @cached(key=[name])
    async def reads() -> int:
        call()
        return 1

    async def test(caching: Caching) -> None:
        with pytest.raises(DynamicReadError) as raised:
            await reads()
        message = str(raised.value)
        assert name in message and "reads()" in message and __file__ in message

    inside(test)


@pytest.mark.parametrize("call", [lambda: revalidate_tag("a", "max"), lambda: update_tag("a")])
def test_nothing_is_revalidated_inside(call: Callable[[], Any]) -> None:
    @cached(key=["x"])
    async def revalidates() -> int:
        call()
        return 1

    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match="inside the cached function"):
            await revalidates()

    inside(test)


USER: contextvars.ContextVar[str] = contextvars.ContextVar("user")


def test_variables_of_the_request_are_not_seen_inside() -> None:
    @cached
    async def mine() -> str:
        return USER.get("nobody")

    async def test(caching: Caching) -> None:
        USER.set("alice")
        assert await mine() == "nobody"

    inside(test)


# -- plain functions


@cached(tags=["slow"])
def slow(x: int) -> int:
    time.sleep(0.02)
    return x * 10 + run("slow")


def test_a_plain_function_is_called_from_threads() -> None:
    async def test(caching: Caching) -> None:
        results = await asyncio.gather(*(asyncio.to_thread(slow, 1) for _ in range(40)))
        assert results == [11] * 40 and RUNS["slow"] == 1
        await update_tag("slow")
        assert await asyncio.to_thread(slow, 1) == 12

    inside(test)


def test_a_plain_function_on_the_event_loop_says_what_to_write() -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match=r"asyncio.to_thread\(slow, ...\)"):
            slow(1)

    inside(test)


def test_more_callers_than_threads_do_not_wait_for_each_other() -> None:
    @cached
    def leaf(n: int) -> int:
        time.sleep(0.001)
        return n

    @cached
    def tree(n: int) -> int:
        return sum(leaf(i) for i in range(n % 5)) + n

    async def test(caching: Caching) -> None:
        calls = [asyncio.to_thread(tree, n % 10) for n in range(100)]
        assert await asyncio.wait_for(asyncio.gather(*calls), 20) == [
            sum(range(n % 10 % 5)) + n % 10 for n in range(100)
        ]

    inside(test)


def test_a_plain_function_is_refreshed_behind_its_stale_result() -> None:
    @cached(revalidate=0.03)
    def now() -> int:
        time.sleep(0.3)
        return run("now")

    async def test(caching: Caching) -> None:
        assert await asyncio.to_thread(now) == 1
        await asyncio.sleep(0.04)
        began = time.monotonic()
        assert await asyncio.to_thread(now) == 1
        assert time.monotonic() - began < 0.25
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(now) == 2

    inside(test)


def test_a_plain_function_past_the_time_limit_is_the_504_that_an_async_one_is() -> None:
    @cached
    def late() -> int:
        time.sleep(0.2)
        return run("late")

    async def test(caching: Caching) -> None:
        with pytest.raises(HTTPError) as raised:
            await asyncio.to_thread(late)
        assert raised.value.status == 504

    with_caching(test, time_limit=0.05)


def test_a_plain_functions_error_and_its_wrong_reads() -> None:
    @cached
    def broken(what: str) -> int:
        if what == "cookies":
            cookies()
        if what == "revalidate":
            update_tag("a")
        raise LookupError(what)

    async def test(caching: Caching) -> None:
        for what, error in (("x", LookupError), ("cookies", DynamicReadError), ("revalidate", CacheUsageError)):
            with pytest.raises(error):
                await asyncio.to_thread(broken, what)

    inside(test)


def test_async_and_plain_build_on_each_other() -> None:
    @cached(tags=["base"])
    def base() -> int:
        return run("base")

    @cached
    async def above() -> int:
        return await asyncio.to_thread(base) + 10

    async def test(caching: Caching) -> None:
        assert await above() == 11
        await update_tag("base")
        assert await above() == 12

    inside(test)


# -- outside


def test_without_an_application_the_function_just_runs() -> None:
    assert asyncio.run(plain(1))["n"] == 1
    assert asyncio.run(plain(1))["n"] == 2
    assert slow(1) == 11
    assert slow(1) == 12

    @cached
    async def tagged() -> int:
        cache_tag("a")
        cache_life("hours")
        return 1

    assert asyncio.run(tagged()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: cached(5),  # type: ignore[call-overload]
        lambda: cached(int),
        lambda: cached(tags="posts")(plain),
        lambda: cached(tags=[""])(plain),
        lambda: cached(revalidate=0)(plain),
        lambda: cached(revalidate=-1)(plain),
        lambda: cached(revalidate="60")(plain),  # type: ignore[arg-type]
        lambda: cached(key=[object()])(plain),
    ],
)
def test_a_wrong_option_is_an_error_where_it_is_written(wrong: Callable[[], Any]) -> None:
    with pytest.raises(CacheUsageError):
        wrong()


def test_generators_are_refused() -> None:
    async def stream() -> Any:
        yield 1

    with pytest.raises(CacheUsageError, match="returns its result"):
        cached(stream)


def test_it_looks_like_the_function_it_wraps() -> None:
    assert plain.__name__ == "plain" and asyncio.iscoroutinefunction(plain)
    assert not asyncio.iscoroutinefunction(slow)
    partial = cached(functools.partial(posts.__wrapped__, 3))  # type: ignore[attr-defined]
    assert asyncio.iscoroutinefunction(partial) or callable(partial)
