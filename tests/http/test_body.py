from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from waypost.errors import BodyTooLarge, BodyUsedError, ClientDisconnected
from waypost.http.body import HIGH_WATER, RequestBody


async def _collect(chunks: AsyncIterator[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


def test_read_waits_and_may_be_repeated_by_several_tasks() -> None:
    async def main() -> None:
        body = RequestBody()
        readers = [asyncio.create_task(body.read()) for _ in range(3)]
        await asyncio.sleep(0)
        body.feed(b"ab")
        await asyncio.sleep(0)
        body.feed(b"cd")
        body.finish()
        assert await asyncio.gather(*readers) == [b"abcd"] * 3
        assert await body.read() == b"abcd"
        assert await _collect(body.chunks()) == [b"abcd"]

    asyncio.run(main())


def test_chunks_come_as_they_were_fed_and_once() -> None:
    async def main() -> None:
        body = RequestBody()
        body.feed(b"1")
        taking = asyncio.create_task(_collect(body.chunks()))
        await asyncio.sleep(0)
        body.feed(b"2")
        body.finish()
        assert await taking == [b"1", b"2"]
        assert body.taken
        with pytest.raises(BodyUsedError):
            await body.read()
        with pytest.raises(BodyUsedError):
            await _collect(body.chunks())

    asyncio.run(main())


def test_a_broken_body_raises_and_never_looks_complete() -> None:
    async def main() -> None:
        body = RequestBody(1000)
        body.feed(b"x" * 100)
        reading = asyncio.create_task(body.read())
        await asyncio.sleep(0)
        body.fail(ClientDisconnected("gone"))
        for _ in range(2):
            with pytest.raises(ClientDisconnected):
                await (reading if not reading.done() else body.read())
        streamed = RequestBody(1000)
        streamed.feed(b"x")
        taken = streamed.chunks()
        assert await anext(taken) == b"x"
        streamed.fail(ClientDisconnected("gone"))
        with pytest.raises(ClientDisconnected):
            await anext(taken)

    asyncio.run(main())


def test_failing_after_the_end_changes_nothing() -> None:
    async def main() -> None:
        body = RequestBody.of(b"whole")
        body.fail(ClientDisconnected("late"))
        assert await body.read() == b"whole"

    asyncio.run(main())


@pytest.mark.parametrize("early", [True, False])
def test_the_limit_holds_whenever_the_bytes_came(early: bool) -> None:
    async def main() -> None:
        body = RequestBody()
        if early:
            body.feed(b"x" * 11)
            body.finish()
        body.limit = 10
        if not early:
            body.feed(b"x" * 6)
            body.feed(b"x" * 5)
        with pytest.raises(BodyTooLarge):
            await body.read()
        with pytest.raises(BodyTooLarge):
            await _collect(body.chunks())

    asyncio.run(main())


def test_the_limit_is_inclusive() -> None:
    async def main() -> None:
        body = RequestBody.of(b"x" * 10)
        body.limit = 10
        assert len(await body.read()) == 10

    asyncio.run(main())


def test_the_sender_is_paused_while_nobody_reads() -> None:
    async def main() -> None:
        calls: list[bool] = []
        body = RequestBody(None, calls.append)
        body.feed(b"x" * HIGH_WATER)
        assert calls == []
        body.feed(b"x")
        assert calls == [True]
        chunks = body.chunks()
        await anext(chunks)
        assert calls == [True, False]

    asyncio.run(main())


def test_reading_the_whole_body_does_not_leave_the_sender_paused() -> None:
    async def main() -> None:
        calls: list[bool] = []
        body = RequestBody(None, calls.append)
        body.feed(b"x" * (HIGH_WATER + 1))
        reading = asyncio.create_task(body.read())
        await asyncio.sleep(0)
        assert calls == [True, False]
        body.feed(b"x" * HIGH_WATER)
        assert calls == [True, False]
        body.finish()
        assert len(await reading) == 2 * HIGH_WATER + 1

    asyncio.run(main())


def test_demand_is_told_once_at_the_first_read() -> None:
    async def main() -> None:
        calls: list[int] = []
        body = RequestBody(1)
        body.on_demand = lambda: calls.append(1)
        body.feed(b"x")
        body.finish()
        await body.read()
        await body.read()
        assert calls == [1]

    asyncio.run(main())


def test_a_cancelled_reader_leaves_the_body_to_others() -> None:
    async def main() -> None:
        body = RequestBody()
        first = asyncio.create_task(body.read())
        second = asyncio.create_task(body.read())
        await asyncio.sleep(0)
        first.cancel()
        body.feed(b"x")
        body.finish()
        assert await second == b"x"

    asyncio.run(main())
