from __future__ import annotations

import asyncio

import pytest

from waypost.errors import AbortError
from waypost.http.streams import ReadableStream
from waypost.http.transform import TransformStream, WritableStream


async def _all(stream):
    return [chunk async for chunk in stream]


def _upper(chunk, controller):
    controller.enqueue(chunk.upper())


# -- pipe_through


def test_chunks_are_changed_dropped_and_multiplied_on_the_way():
    async def main():
        async def transform(chunk, controller):
            await asyncio.sleep(0)
            for _ in range(chunk):
                controller.enqueue(chunk)

        async def flush(controller):
            controller.enqueue("end")

        source = ReadableStream.from_([0, 1, 0, 2])
        result = source.pipe_through(TransformStream(transform=transform, flush=flush))
        assert source.locked
        assert await _all(result) == [1, 2, 2, "end"]

    asyncio.run(main())


def test_without_a_transformer_the_chunks_pass():
    assert asyncio.run(_all(ReadableStream.from_("abc").pipe_through(TransformStream()))) == ["abc"]


def test_pipes_can_be_chained_and_are_lazy():
    async def main():
        taken: list[str] = []

        async def source():
            for letter in "abc":
                taken.append(letter)
                yield letter

        exclaim = TransformStream({"transform": lambda chunk, controller: controller.enqueue(chunk + "!")})
        stream = ReadableStream.from_(source()).pipe_through(TransformStream(transform=_upper)).pipe_through(exclaim)
        await asyncio.sleep(0.001)
        assert taken == []
        iterator = aiter(stream)
        assert await anext(iterator) == "A!"
        await asyncio.sleep(0.001)
        assert taken == ["a"]
        await iterator.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("where", ["source", "transform", "flush"])
def test_an_error_reaches_the_reader_and_ends_the_source(where):
    async def main():
        ended: list[str] = []

        async def source():
            try:
                yield 1
                if where == "source":
                    raise ZeroDivisionError
            finally:
                ended.append("source")

        def fail(*_):
            raise ZeroDivisionError

        transform = TransformStream(
            transform=fail if where == "transform" else None, flush=fail if where == "flush" else None
        )
        with pytest.raises(ZeroDivisionError):
            await _all(ReadableStream.from_(source()).pipe_through(transform))
        assert ended == ["source"]

    asyncio.run(main())


def test_cancelling_the_result_cancels_the_source_with_the_reason():
    async def main():
        reasons: list[object] = []
        source = ReadableStream(pull=lambda c: c.enqueue(1) and None, cancel=reasons.append)
        reader = source.pipe_through(TransformStream()).get_reader()
        await reader.read()
        await reader.cancel("bye")
        assert reasons == ["bye"]

    asyncio.run(main())


def test_cancelling_while_the_source_is_slow_ends_it():
    async def main():
        ended: list[str] = []

        async def source():
            try:
                await asyncio.sleep(60)
                yield 1
            finally:
                ended.append("source")

        reader = ReadableStream.from_(source()).pipe_through(TransformStream()).get_reader()
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0.001)
        await reader.cancel()
        assert (await reading).done
        assert ended == ["source"]

    asyncio.run(main())


def test_terminate_ends_both_sides():
    async def main():
        reasons: list[object] = []

        def transform(chunk, controller):
            controller.enqueue(chunk)
            if chunk == 2:
                controller.terminate()

        numbers = iter(range(99))
        source = ReadableStream(pull=lambda c: c.enqueue(next(numbers)) and None, cancel=reasons.append)
        assert await _all(source.pipe_through(TransformStream(transform=transform))) == [0, 1, 2]
        assert reasons == [None]

    asyncio.run(main())


def test_controller_error_breaks_both_sides():
    async def main():
        transform = TransformStream(transform=lambda chunk, controller: controller.error("bad"))
        writer = transform.writable.get_writer()
        await writer.write(1)
        with pytest.raises(AbortError, match="bad"):
            await writer.write(2)
        with pytest.raises(AbortError, match="bad"):
            await _all(transform.readable)

    asyncio.run(main())


# -- writing by hand


def test_what_a_writer_writes_comes_out_at_the_pace_of_the_reader():
    async def main():
        transform = TransformStream(transform=_upper)
        written: list[str] = []

        async def produce():
            writer = transform.writable.get_writer()
            for letter in "abcd":
                await writer.write(letter)
                written.append(letter)
            await writer.close()

        producer = asyncio.create_task(produce())
        await asyncio.sleep(0.001)
        assert len(written) <= 1
        assert await _all(transform.readable) == ["A", "B", "C", "D"]
        await producer

    asyncio.run(main())


def test_a_reader_that_leaves_fails_the_next_write():
    async def main():
        transform = TransformStream()
        writer = transform.writable.get_writer()
        await writer.write(1)
        await transform.readable.cancel("left")
        with pytest.raises(AbortError, match="left"):
            await writer.write(2)

    asyncio.run(main())


def test_a_reader_that_leaves_frees_a_write_that_waits():
    async def main():
        transform = TransformStream()
        writer = transform.writable.get_writer()
        await writer.write(1)
        waiting = asyncio.create_task(writer.write(2))
        await asyncio.sleep(0)
        await transform.readable.cancel("left")
        with pytest.raises((AbortError, TypeError)):
            await asyncio.wait_for(waiting, 1)

    asyncio.run(main())


def test_abort_reaches_the_reader():
    async def main():
        transform = TransformStream()
        await transform.writable.get_writer().abort(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await _all(transform.readable)

    asyncio.run(main())


def test_a_transform_is_used_in_one_way_only():
    async def main():
        transform = TransformStream()
        writer = transform.writable.get_writer()
        with pytest.raises(TypeError, match="in use"):
            ReadableStream.from_([1]).pipe_through(transform)
        with pytest.raises(TypeError, match="locked"):
            transform.writable.get_writer()
        writer.release_lock()
        with pytest.raises(TypeError, match="released"):
            await writer.write(1)
        assert await _all(ReadableStream.from_([1]).pipe_through(transform)) == [1]
        with pytest.raises(TypeError, match="locked"):
            transform.writable.get_writer()

    asyncio.run(main())


# -- WritableStream and pipe_to


def test_pipe_to_writes_in_order_and_closes():
    async def main():
        log: list[object] = []

        async def write(chunk):
            await asyncio.sleep(0)
            log.append(chunk)

        source = ReadableStream.from_([1, 2])
        await source.pipe_to(WritableStream(write=write, close=lambda: log.append("close")))
        assert log == [1, 2, "close"]
        assert not source.locked

    asyncio.run(main())


def test_pipe_to_hands_errors_in_both_directions():
    async def main():
        log: list[object] = []

        def fail(chunk):
            raise ZeroDivisionError

        source = ReadableStream(pull=lambda c: c.enqueue(1) and None, cancel=lambda reason: log.append(type(reason)))
        with pytest.raises(ZeroDivisionError):
            await source.pipe_to(WritableStream(write=fail))
        assert log == [ZeroDivisionError]

        broken = ReadableStream(start=lambda c: c.error(ZeroDivisionError()))
        with pytest.raises(ZeroDivisionError):
            await broken.pipe_to(WritableStream({"abort": lambda reason: log.append("aborted")}))
        assert log[1:] == ["aborted"]

    asyncio.run(main())


def test_pipe_to_leaves_alone_what_it_is_told_to():
    async def main():
        log: list[object] = []
        sink = {"close": lambda: log.append("close"), "abort": lambda reason: log.append("abort")}
        await ReadableStream.from_([1]).pipe_to(WritableStream(sink), prevent_close=True)
        with pytest.raises(ZeroDivisionError):
            await ReadableStream(pull=lambda c: 1 / 0).pipe_to(WritableStream(sink), prevent_abort=True)
        source = ReadableStream(pull=lambda c: c.enqueue(1) and None, cancel=log.append)
        with pytest.raises(ZeroDivisionError):
            await source.pipe_to(WritableStream(write=lambda chunk: 1 / 0), prevent_cancel=True)
        assert log == []

    asyncio.run(main())


def test_writes_take_turns_and_end_with_close():
    async def main():
        log: list[object] = []

        async def write(chunk):
            log.append(f"begin {chunk}")
            await asyncio.sleep(0.001)
            log.append(f"end {chunk}")

        stream = WritableStream(write=write)
        await asyncio.gather(stream.write(1), stream.write(2))
        assert log == ["begin 1", "end 1", "begin 2", "end 2"]
        await stream.close()
        for late in (stream.write(3), stream.close()):
            with pytest.raises(TypeError, match="closed"):
                await late
        await stream.abort("too late")

    asyncio.run(main())


def test_a_sink_that_failed_takes_nothing_more():
    async def main():
        calls: list[object] = []

        def write(chunk):
            calls.append(chunk)
            raise ZeroDivisionError

        stream = WritableStream(write=write)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await stream.write(1)
        assert calls == [1]

    asyncio.run(main())


def test_a_write_that_was_given_up_cancels_no_other_task():
    async def main():
        async def slow(chunk):
            await asyncio.sleep(10)

        stream = WritableStream(write=slow)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.write("a"), 0.01)
        with pytest.raises(AbortError, match="was cancelled"):
            await stream.write("b")

    asyncio.run(main())


@pytest.mark.parametrize("part", ["transform", "flush"])
def test_a_transform_that_was_given_up_breaks_its_readable_side_with_an_error(part):
    async def main():
        async def slow(*_):
            await asyncio.sleep(10)

        stream = TransformStream({part: slow})
        read = asyncio.create_task(_all(stream.readable))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.writable.write("a") if part == "transform" else stream.writable.close(), 0.01)
        with pytest.raises(AbortError, match="was cancelled"):
            await asyncio.wait_for(read, 1)

    asyncio.run(main())
