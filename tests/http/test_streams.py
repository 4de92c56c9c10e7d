from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.errors import AbortError
from waypost.http.streams import ReadableStream


async def _all(stream):
    return [chunk async for chunk in stream]


def _counting(limit, log):
    """A source that gives 0..limit-1, one for each pull."""
    numbers = iter(range(limit))

    async def pull(controller):
        await asyncio.sleep(0)
        number = next(numbers, None)
        log.append(number)
        if number is None:
            controller.close()
        else:
            controller.enqueue(number)

    return pull


# -- sources


def test_start_runs_at_construction_and_its_chunks_are_read_in_order():
    calls: list[str] = []

    def start(controller):
        calls.append("start")
        for chunk in ("a", b"b", 3):
            controller.enqueue(chunk)
        controller.close()

    async def main():
        stream = ReadableStream(start=start)
        assert calls == ["start"]
        assert await _all(stream) == ["a", b"b", 3]

    asyncio.run(main())


def test_a_coroutine_start_runs_before_anyone_reads():
    async def main():
        began = asyncio.Event()

        async def start(controller):
            began.set()
            controller.enqueue(1)
            await asyncio.sleep(0)
            controller.close()

        stream = ReadableStream(start=start)
        await asyncio.wait_for(began.wait(), 1)
        assert await _all(stream) == [1]

    asyncio.run(main())


def test_a_stream_made_where_no_loop_runs_starts_at_the_first_read():
    async def start(controller):
        controller.enqueue(1)

    log: list[object] = []
    stream = ReadableStream(start=start, pull=_counting(2, log))
    assert asyncio.run(_all(stream)) == [1, 0, 1]


@pytest.mark.parametrize("make", [lambda methods: methods, lambda methods: type("Source", (), methods)()])
def test_the_source_may_be_a_mapping_or_an_object(make):
    async def main():
        left: list[object] = []
        stream = ReadableStream(
            make({"start": staticmethod(lambda c: c.enqueue("x")), "cancel": staticmethod(left.append)})
        )
        reader = stream.get_reader()
        assert (await reader.read()).value == "x"
        await reader.cancel("enough")
        assert left == ["enough"]

    asyncio.run(main())


def test_a_source_method_that_cannot_be_called_is_a_type_error():
    with pytest.raises(TypeError, match="pull"):
        ReadableStream({"pull": 3})


def test_an_exception_of_a_plain_start_leaves_the_constructor():
    with pytest.raises(ZeroDivisionError):
        ReadableStream(start=lambda controller: 1 / 0)


# -- back-pressure


def test_pull_is_called_no_further_ahead_than_the_high_water_mark():
    async def main():
        log: list[object] = []
        stream = ReadableStream(pull=_counting(100, log), high_water_mark=3)
        for _ in range(50):
            await asyncio.sleep(0)
        assert log == [0, 1, 2]
        reader = stream.get_reader()
        assert (await reader.read()).value == 0
        for _ in range(50):
            await asyncio.sleep(0)
        assert log == [0, 1, 2, 3]
        await reader.cancel()

    asyncio.run(main())


def test_with_a_mark_of_zero_nothing_is_pulled_before_a_read():
    async def main():
        log: list[object] = []
        stream = ReadableStream(pull=_counting(3, log), high_water_mark=0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert log == []
        assert await _all(stream) == [0, 1, 2]

    asyncio.run(main())


def test_a_plain_pull_works_and_stops_at_the_mark():
    async def main():
        numbers = iter(range(10))
        pulled: list[int] = []

        def pull(controller):
            number = next(numbers, None)
            if number is None:
                return controller.close()
            pulled.append(number)
            return controller.enqueue(number) and None

        stream = ReadableStream(pull=pull, high_water_mark=2)
        assert pulled == [0, 1]
        assert await _all(stream) == list(range(10))

    asyncio.run(main())


def test_a_pull_that_gives_nothing_is_not_called_in_a_circle():
    async def main():
        calls: list[object] = []
        stream = ReadableStream(pull=calls.append)
        reader = stream.get_reader()
        reading = asyncio.create_task(reader.read())
        for _ in range(20):
            await asyncio.sleep(0)
        assert 1 <= len(calls) <= 2
        stream.controller.enqueue("late")
        assert (await reading).value == "late"

    asyncio.run(main())


def test_awaiting_enqueue_keeps_a_fast_source_at_the_pace_of_its_reader():
    async def main():
        made: list[int] = []

        async def start(controller):
            for number in range(100):
                await controller.enqueue(number)
                made.append(number)
            controller.close()

        stream = ReadableStream(start=start, high_water_mark=4)
        for _ in range(300):
            await asyncio.sleep(0)
        assert len(made) <= 5
        assert await _all(stream) == list(range(100))

    asyncio.run(main())


def test_desired_size_counts_down_and_tells_the_end():
    async def main():
        stream = ReadableStream(high_water_mark=10, size=len)
        controller = stream.controller
        assert controller.desired_size == 10
        controller.enqueue(b"12345678")
        assert controller.desired_size == 2
        controller.enqueue(b"12345678")
        assert controller.desired_size == -6
        reader = stream.get_reader()
        await reader.read()
        assert controller.desired_size == 2
        controller.close()
        await reader.read()
        assert controller.desired_size == 0
        broken = ReadableStream()
        broken.controller.error("x")
        assert broken.controller.desired_size is None

    asyncio.run(main())


def test_ready_ends_with_the_stream():
    async def main():
        stream = ReadableStream()
        stream.controller.enqueue(1)
        waiting = asyncio.create_task(stream.controller.ready())
        await asyncio.sleep(0)
        assert not waiting.done()
        await stream.cancel()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(main())


# -- reading


def test_a_reader_locks_the_stream_until_it_is_released():
    async def main():
        stream = ReadableStream.from_([1, 2])
        assert not stream.locked
        reader = stream.get_reader()
        assert stream.locked
        for forbidden in (stream.get_reader, stream.tee, stream.__aiter__):
            with pytest.raises(TypeError, match="locked"):
                forbidden()
        with pytest.raises(TypeError, match="locked"):
            await stream.cancel()
        assert await reader.read() == (1, False)
        reader.release_lock()
        with pytest.raises(TypeError, match="released"):
            await reader.read()
        assert await _all(stream) == [2]
        assert await stream.get_reader().read() == (None, True)

    asyncio.run(main())


def test_releasing_the_lock_fails_the_reads_that_wait():
    async def main():
        stream = ReadableStream()
        reader = stream.get_reader()
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        reader.release_lock()
        with pytest.raises(TypeError, match="released"):
            await reading
        stream.controller.enqueue("kept")
        assert (await stream.get_reader().read()).value == "kept"

    asyncio.run(main())


def test_reads_at_the_same_time_are_served_in_order():
    async def main():
        stream = ReadableStream()
        reader = stream.get_reader()
        reads = [asyncio.create_task(reader.read()) for _ in range(3)]
        await asyncio.sleep(0)
        stream.controller.enqueue(1)
        stream.controller.enqueue(2)
        stream.controller.close()
        assert await asyncio.gather(*reads) == [(1, False), (2, False), (None, True)]

    asyncio.run(main())


def test_a_read_that_is_given_up_loses_no_chunk():
    async def main():
        log: list[object] = []

        async def pull(controller):
            await asyncio.sleep(0.02)
            log.append("pulled")
            controller.enqueue(len(log))

        stream = ReadableStream(pull=pull, high_water_mark=0)
        reader = stream.get_reader()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.001)
        # The pull of the abandoned read goes on, as in the Web, and its chunk is the next one.
        assert (await reader.read()).value == 1
        await reader.cancel()

    asyncio.run(main())


def test_a_read_cancelled_in_the_moment_its_chunk_comes_loses_no_chunk():
    async def main():
        stream = ReadableStream()
        reader = stream.get_reader()
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        stream.controller.enqueue("here")
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        assert (await reader.read()).value == "here"

    asyncio.run(main())


# -- the end


def test_enqueue_and_close_after_the_end_are_type_errors():
    async def main():
        stream = ReadableStream()
        stream.controller.enqueue(1)
        stream.controller.close()
        for late in (lambda: stream.controller.enqueue(2), stream.controller.close):
            with pytest.raises(TypeError):
                late()
        assert await _all(stream) == [1]
        with pytest.raises(TypeError):
            stream.controller.enqueue(2)
        stream.controller.error("too late")
        assert await _all(stream) == []

    asyncio.run(main())


@pytest.mark.parametrize("where", ["start", "async start", "pull", "async pull", "generator", "error()"])
def test_an_error_of_the_source_reaches_the_reader_and_drops_what_waits(where):
    async def main():
        async def failing(controller=None):
            await asyncio.sleep(0)
            raise ZeroDivisionError

        async def generator():
            yield 1
            raise ZeroDivisionError

        made = {
            "start": lambda: ReadableStream(start=lambda c: (c.enqueue(1), c.error(ZeroDivisionError()))[0] and None),
            "async start": lambda: ReadableStream(start=failing),
            "pull": lambda: ReadableStream(pull=lambda c: 1 / 0),
            "async pull": lambda: ReadableStream(pull=failing),
            "generator": lambda: ReadableStream.from_(generator()),
            "error()": lambda: ReadableStream(start=lambda c: c.error(ZeroDivisionError())),
        }
        stream = made[where]()
        with pytest.raises(ZeroDivisionError):
            await _all(stream)
        assert not stream.locked
        with pytest.raises(ZeroDivisionError):
            await stream.get_reader().read()

    asyncio.run(main())


def test_error_takes_any_reason():
    async def main():
        stream = ReadableStream()
        stream.controller.error("because")
        with pytest.raises(AbortError, match="because"):
            await _all(stream)

    asyncio.run(main())


def test_a_source_that_was_cancelled_by_somebody_does_not_hang_its_reader():
    async def main():
        async def pull(controller):
            raise asyncio.CancelledError

        with pytest.raises(AbortError):
            await asyncio.wait_for(_all(ReadableStream(pull=pull)), 1)

    asyncio.run(main())


def test_cancel_is_passed_on_once_with_its_reason():
    async def main():
        reasons: list[object] = []
        stream = ReadableStream(cancel=reasons.append)
        stream.controller.enqueue(1)
        await stream.cancel("bye")
        await stream.cancel("again")
        assert reasons == ["bye"]
        assert await _all(stream) == []

    asyncio.run(main())


def test_cancel_waits_for_a_coroutine_and_raises_its_error():
    async def main():
        async def cancel(reason):
            await asyncio.sleep(0)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await ReadableStream(cancel=cancel).cancel()

    asyncio.run(main())


def test_cancelling_an_errored_stream_raises_its_error_and_calls_nobody():
    async def main():
        reasons: list[object] = []
        stream = ReadableStream(start=lambda c: c.error(ZeroDivisionError()), cancel=reasons.append)
        with pytest.raises(ZeroDivisionError):
            await stream.cancel()
        assert reasons == []

    asyncio.run(main())


def test_cancel_ends_the_task_of_a_start_that_still_runs():
    async def main():
        log: list[object] = []

        async def start(controller):
            try:
                while True:
                    controller.enqueue("tick")
                    await asyncio.sleep(0.001)
            finally:
                log.append("finally")

        stream = ReadableStream(start=start, cancel=log.append)
        reader = stream.get_reader()
        await reader.read()
        await reader.cancel("bye")
        assert log == ["finally", "bye"]

    asyncio.run(main())


def test_cancel_before_a_start_could_run_leaves_no_warning():
    async def start(controller):
        raise AssertionError

    stream = ReadableStream(start=start)
    asyncio.run(stream.cancel())


def test_a_source_may_cancel_its_own_stream():
    async def main():
        async def pull(controller):
            await stream.cancel("own")

        reasons: list[object] = []
        stream = ReadableStream(pull=pull, cancel=reasons.append)
        await asyncio.wait_for(asyncio.sleep(0.01), 1)
        assert reasons == ["own"]

    asyncio.run(main())


# -- iterating


def test_closing_the_iterator_cancels_once():
    async def main():
        reasons: list[object] = []
        stream = ReadableStream(pull=_counting(9, []), cancel=reasons.append)
        iterator = aiter(stream)
        assert await anext(iterator) == 0
        await iterator.aclose()
        await iterator.aclose()
        assert (reasons, stream.locked) == ([None], False)
        with pytest.raises(StopAsyncIteration):
            await anext(iterator)

    asyncio.run(main())


def test_closing_an_iterator_that_was_never_advanced_cancels_too():
    async def main():
        reasons: list[object] = []
        await aiter(ReadableStream(cancel=reasons.append)).aclose()
        assert reasons == [None]

    asyncio.run(main())


def test_leaving_a_loop_early_cancels():
    async def main():
        ended = asyncio.Event()

        async def numbers():
            try:
                for number in range(9):
                    yield number
            finally:
                ended.set()

        async for _ in ReadableStream.from_(numbers()):
            break
        gc.collect()
        await asyncio.wait_for(ended.wait(), 1)

    asyncio.run(main())


def test_an_iterator_with_prevent_cancel_leaves_the_stream_open():
    async def main():
        stream = ReadableStream.from_([1, 2, 3])
        iterator = stream.values(prevent_cancel=True)
        assert await anext(iterator) == 1
        await iterator.aclose()
        assert await _all(stream) == [2, 3]

    asyncio.run(main())


def test_reading_to_the_end_does_not_cancel():
    async def main():
        reasons: list[object] = []
        stream = ReadableStream(pull=_counting(2, []), cancel=reasons.append)
        assert await _all(stream) == [0, 1]
        assert (reasons, stream.locked) == ([], False)

    asyncio.run(main())


# -- from_


def test_from_takes_iterables_of_both_kinds_and_whole_texts():
    async def numbers():
        yield 1
        yield 2

    async def main():
        assert await _all(ReadableStream.from_(numbers())) == [1, 2]
        assert await _all(ReadableStream.from_(iter([1, 2]))) == [1, 2]
        assert await _all(ReadableStream.from_("text")) == ["text"]
        assert await _all(ReadableStream.from_(b"bytes")) == [b"bytes"]
        stream = ReadableStream.from_([])
        assert ReadableStream.from_(stream) is stream
        with pytest.raises(TypeError, match="int"):
            ReadableStream.from_(3)

    asyncio.run(main())


def test_from_is_lazy_and_closes_its_generator():
    async def main():
        log: list[str] = []

        async def asynchronous():
            try:
                log.append("begin")
                yield 1
                await asyncio.sleep(60)
            finally:
                log.append("end")

        def plain():
            try:
                log.append("begin")
                yield 1
                yield 2
            finally:
                log.append("end")

        for make in (asynchronous, plain):
            log.clear()
            reader = ReadableStream.from_(make()).get_reader()
            await asyncio.sleep(0)
            assert log == []
            await reader.read()
            waiting = asyncio.create_task(reader.read())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await reader.cancel()
            assert log == ["begin", "end"]
            await waiting

    asyncio.run(main())


# -- tee


def test_both_branches_get_every_chunk():
    async def main():
        log: list[object] = []
        one, two = ReadableStream(pull=_counting(5, log)).tee()
        assert await asyncio.gather(_all(one), _all(two)) == [list(range(5))] * 2
        assert log == [0, 1, 2, 3, 4, None]
        one, two = ReadableStream.from_("abc").tee()
        assert (await _all(one), await _all(two)) == (["abc"], ["abc"])

    asyncio.run(main())


def test_a_branch_that_leaves_does_not_disturb_the_other():
    async def main():
        reasons: list[object] = []
        one, two = ReadableStream(pull=_counting(4, []), cancel=reasons.append).tee()
        reader = one.get_reader()
        waiting = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        await reader.cancel("one")
        await waiting
        assert await _all(two) == [0, 1, 2, 3]
        assert reasons == []

    asyncio.run(main())


def test_the_source_is_cancelled_when_both_branches_are():
    async def main():
        reasons: list[object] = []

        async def pull(controller):
            await asyncio.sleep(60)

        one, two = ReadableStream(pull=pull, cancel=reasons.append).tee()
        waiting = asyncio.create_task(_all(one))
        await asyncio.sleep(0.001)
        await two.cancel("two")
        assert reasons == []
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        del waiting
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)
        assert reasons == [[None, "two"]]

    asyncio.run(main())


def test_an_error_reaches_both_branches():
    async def main():
        one, two = ReadableStream(pull=lambda c: 1 / 0).tee()
        for branch in (one, two):
            with pytest.raises(ZeroDivisionError):
                await _all(branch)

    asyncio.run(main())


@given(st.lists(st.integers(), max_size=20), st.integers(0, 5), st.lists(st.booleans(), max_size=20))
def test_chunks_keep_their_order_whatever_the_pace(chunks, mark, pauses):
    async def main():
        async def start(controller):
            for index, chunk in enumerate(chunks):
                if index < len(pauses) and pauses[index]:
                    await asyncio.sleep(0)
                await controller.enqueue(chunk)
            controller.close()

        assert await _all(ReadableStream(start=start, high_water_mark=mark)) == chunks

    asyncio.run(main())
