from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from tests.cache.running import with_caching

from waypost.cache import cached, revalidate_path, revalidate_tag, update_tag
from waypost.cache.caching import Caching
from waypost.errors import CacheUsageError, NoRequestError

RUNS = [0]


@cached(tags=["a"])
async def number() -> int:
    RUNS[0] += 1
    return RUNS[0]


@pytest.fixture(autouse=True)
def _start() -> None:
    RUNS[0] = 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: revalidate_tag(""),
        lambda: revalidate_tag("x" * 257),
        lambda: revalidate_tag(7),  # type: ignore[arg-type]
        lambda: revalidate_tag("a", "maximum"),
        lambda: revalidate_tag("a", {"expire": -1}),
        lambda: revalidate_tag("a", {}),
        lambda: update_tag(""),
        lambda: revalidate_path("posts"),
        lambda: revalidate_path("/posts/[id]"),
        lambda: revalidate_path("/posts", "route"),
    ],
)
def test_what_would_do_nothing_is_an_error(call: Callable[[], Any]) -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError):
            call()

    with_caching(test)


def test_outside_a_request_it_is_done_soon() -> None:
    async def test(caching: Caching) -> None:
        await number()
        update_tag("a")
        await asyncio.sleep(0.01)
        assert await number() == 2

    with_caching(test)


def test_awaited_it_is_done_now() -> None:
    async def test(caching: Caching) -> None:
        await number()
        await update_tag("a")
        assert await number() == 2

    with_caching(test)


def test_from_a_thread_that_has_no_loop() -> None:
    async def test(caching: Caching) -> None:
        await number()
        thread = threading.Thread(target=update_tag, args=["a"])
        thread.start()
        await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.01)
        assert await number() == 2

    with_caching(test)


def test_without_an_application_it_says_so() -> None:
    for call in (lambda: update_tag("a"), lambda: revalidate_tag("a", "max"), lambda: revalidate_path("/")):
        with pytest.raises(NoRequestError, match="outside an application"):
            call()


def test_a_missing_profile_is_noted_once_for_each_place(caplog: pytest.LogCaptureFixture) -> None:
    async def test(caching: Caching) -> None:
        await number()
        for _ in range(3):
            revalidate_tag("a")
        await asyncio.sleep(0.01)
        assert await number() == 2

    with caplog.at_level(logging.WARNING), _fresh_places():
        with_caching(test)
    notes = [record.getMessage() for record in caplog.records]
    assert len(notes) == 1 and __file__ in notes[0] and 'revalidate_tag(tag, "max")' in notes[0]


def _fresh_places() -> Any:
    return patch("waypost.cache.revalidate._noted", set())


def test_a_profile_whose_time_is_over_expires() -> None:
    async def test(caching: Caching) -> None:
        await number()
        await revalidate_tag("a", {"expire": 0.02})
        await asyncio.sleep(0.03)
        assert await number() == 2  # not the old one: its time is over

    with_caching(test)
