"""Time limits and outages."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.cache.faults import LogLines

from waypost.cache.outage import LATE, Outage, within
from waypost.errors import StoreUnavailable


async def value(result: int = 1, after: float = 0.0) -> int:
    await asyncio.sleep(after)
    return result


def test_within_gives_the_result_or_gives_up_in_time() -> None:
    async def test() -> None:
        assert await within(1, value(5)) == 5
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await within(0.05, value(after=5))
        assert 0.04 < time.monotonic() - began < 0.5

    asyncio.run(test())


def test_a_loop_that_was_blocked_does_not_count_as_silence() -> None:
    """The answer waits in the socket as long as the loop does not look."""

    async def test() -> None:
        async def answered_in_the_meantime() -> int:
            time.sleep(0.2)
            await asyncio.sleep(LATE / 4)
            return 7

        assert await within(0.05, answered_in_the_meantime()) == 7
        with pytest.raises(TimeoutError):

            async def blocked_and_silent() -> None:
                time.sleep(0.2)
                await asyncio.sleep(5)

            await within(0.05, blocked_and_silent())

    asyncio.run(test())


def test_after_a_failure_nobody_waits_until_a_probe_succeeds() -> None:
    async def test() -> None:
        works, probes = False, 0

        async def probe() -> None:
            nonlocal probes
            probes += 1
            if not works:
                raise StoreUnavailable("still down")

        outage = Outage("The store", probe, 0.05)
        with LogLines() as log:
            assert await outage.guard(value) == 1
            with pytest.raises(StoreUnavailable, match="no answer in 50 ms"):
                await outage.guard(lambda: value(after=5))
            began = time.monotonic()
            for _ in range(1000):
                with pytest.raises(StoreUnavailable):
                    await outage.guard(value)
            assert time.monotonic() - began < 0.2
            await asyncio.sleep(0.6)
            assert outage.down
            works = True
            await asyncio.sleep(0.4)
            assert not outage.down
            assert await outage.guard(value) == 1
        assert probes >= 2
        assert log.lines == ["The store does not work: no answer in 50 ms. Handlers run instead until it does."]
        await outage.close()

    asyncio.run(test())


def test_an_outage_that_comes_back_at_once_is_not_told_again() -> None:
    async def test() -> None:
        async def probe() -> None:
            pass

        outage = Outage("The store", probe, 0.05)
        with LogLines() as log:
            for _ in range(3):
                outage.fail("full")
                outage.fail("full")
                await asyncio.sleep(0.3)
                assert not outage.down
        assert len(log.lines) == 1
        outage.fail("closing")
        await outage.close()

    asyncio.run(test())
