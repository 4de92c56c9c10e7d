from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from waypost.http.live_stream import KEEP_ALIVE, LiveStream
from waypost.http.signal import AbortController
from waypost.http.streams import ReadableStream


async def read(stream: LiveStream) -> bytes:
    try:
        return b"".join([chunk async for chunk in stream])
    finally:
        await stream.aclose()


def live(source: Any, **options: Any) -> LiveStream:
    return LiveStream(source, lambda item: f"{item}\n".encode(), **{"heartbeat": None, **options})


def test_async_plain_and_readable_sources() -> None:
    async def generator() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0)
        yield 2

    async def main() -> None:
        assert await read(live(generator())) == b"1\n2\n"
        assert await read(live([1, 2])) == b"1\n2\n"
        assert await read(live(number for number in (1, 2))) == b"1\n2\n"
        assert await read(live(ReadableStream.from_(generator()))) == b"1\n2\n"
        assert await read(live([], first=b"first\n")) == b"first\n"

    asyncio.run(main())


def test_an_event_is_there_before_the_next_is_made() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def events() -> AsyncIterator[int]:
            yield 1
            await gate.wait()
            yield 2

        chunks = live(events()).take()
        assert await anext(chunks) == b"1\n"
        gate.set()
        assert await anext(chunks) == b"2\n"
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)

    asyncio.run(main())


def test_a_source_is_only_a_little_ahead_of_its_reader() -> None:
    made: list[int] = []

    async def events() -> AsyncIterator[str]:
        for number in range(1000):
            made.append(number)
            yield "x" * 999

    async def main() -> None:
        stream = live(events())
        chunks = stream.take()
        first = await anext(chunks)
        await asyncio.sleep(0.02)
        assert len(made) < 60
        rest = [chunk async for chunk in chunks]
        assert len(first) + sum(map(len, rest)) == 1_000_000
        assert max(map(len, rest)) < 20_000

    asyncio.run(main())


def test_comments_while_the_source_is_silent_and_only_then() -> None:
    async def events() -> AsyncIterator[int]:
        for number in range(6):  # busy for longer than the interval
            yield number
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.25)
        yield 7

    text = asyncio.run(read(live(events(), heartbeat=0.08)))
    busy, _, silent = text.partition(b"5\n")
    assert KEEP_ALIVE not in busy
    assert silent.removesuffix(b"7\n") in (KEEP_ALIVE * 2, KEEP_ALIVE * 3)


def test_comments_do_not_pile_up_for_a_reader_that_does_not_read() -> None:
    async def main() -> None:
        async def events() -> AsyncIterator[int]:
            yield 1
            await asyncio.sleep(60)

        stream = live(events(), heartbeat=0.01)
        chunks = stream.take()
        await anext(chunks)
        await asyncio.sleep(0.1)
        assert await anext(chunks) == KEEP_ALIVE
        await stream.aclose()

    asyncio.run(main())


def test_the_signal_ends_the_stream_in_good_order() -> None:
    async def main() -> None:
        controller = AbortController()
        ended: list[str] = []

        async def events() -> AsyncIterator[int]:
            try:
                yield 1
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                ended.append("source")

        chunks = live(events(), signal=controller.signal).take()
        assert await anext(chunks) == b"1\n"
        asyncio.get_running_loop().call_later(0.01, controller.abort, "shutdown")
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)
        assert ended == ["source"]
        assert await read(live(events(), signal=controller.signal)) == b""

    asyncio.run(main())


def test_closing_ends_the_source_at_once_wherever_it_is() -> None:
    ended: list[str] = []

    async def waits() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            ended.append("waits")

    async def runs() -> AsyncIterator[str]:
        try:
            while True:
                yield "x" * 1000
        finally:
            ended.append("runs")

    async def swallows() -> AsyncIterator[int]:
        while len(ended) < 3:
            try:
                yield 1
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("swallows")

    async def main() -> None:
        for source in (waits(), runs(), swallows()):
            stream = live(source)
            chunks = stream.take()
            await anext(chunks)
            await asyncio.sleep(0)
            await asyncio.wait_for(stream.aclose(), 1)
        never = live(waits())
        await never.aclose()

    began = time.monotonic()
    asyncio.run(main())
    assert ended == ["waits", "runs", "swallows"]
    assert time.monotonic() - began < 2


def test_a_plain_generator_is_closed_once_its_thread_comes_back() -> None:
    ended: list[str] = []

    def slow() -> Iterator[int]:
        try:
            while True:
                yield 1
                time.sleep(0.1)
        finally:
            ended.append("slow")

    async def main() -> None:
        stream = live(slow())
        chunks = stream.take()
        await anext(chunks)
        await asyncio.sleep(0.03)
        await stream.aclose()  # does not wait for the thread, which may be long in coming back
        assert ended == []
        await asyncio.sleep(0.15)
        assert ended == ["slow"]

    asyncio.run(main())


def test_an_error_of_the_source_comes_after_what_was_made() -> None:
    async def events() -> AsyncIterator[int]:
        yield 1
        raise RuntimeError("boom")

    async def cancels_itself() -> AsyncIterator[int]:
        yield 1
        raise asyncio.CancelledError

    async def main() -> None:
        for source, kind in ((events(), RuntimeError), (cancels_itself(), asyncio.CancelledError)):
            chunks = live(source).take()
            assert await anext(chunks) == b"1\n"
            with pytest.raises(kind):
                await anext(chunks)

    asyncio.run(main())


def test_the_source_runs_in_the_context_it_was_made_in() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    loops: list[Any] = []

    async def events() -> AsyncIterator[str]:
        loops.append(asyncio.current_task())
        yield name.get()
        loops.append(asyncio.current_task())

    async def make() -> LiveStream:
        name.set("handler")
        return live(events())

    async def main() -> None:
        stream = await asyncio.create_task(make())
        assert await read(stream) == b"handler\n"
        assert loops[0] is loops[1]  # one task from start to end: task groups and time limits may span a yield

    asyncio.run(main())
