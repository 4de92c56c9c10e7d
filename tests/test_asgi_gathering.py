"""Streams under ASGI: what is there at once is one message, nothing waits for more, and ends reach the source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import pytest

from waypost.asgi.gathering import Gathered, finished
from waypost.asgi.messages import Message, Send
from waypost.asgi.streaming import Streaming
from waypost.asgi.watch import Watch
from waypost.http.payload import BodyStream
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.http.streams import ReadableStream

Left = asyncio.Event


def sent_of(
    source: Any, *, send: Callable[[Message], Awaitable[None]] | None = None, leaves_after: float | None = None
) -> list[Any]:
    """Bodies of the messages after the head, None for the last; what was raised is the last item then."""
    sent: list[Any] = []

    async def main() -> None:
        async def receive() -> Message:
            await asyncio.sleep(30 if leaves_after is None else leaves_after)
            return {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.body":
                if send is not None:
                    await send(message)
                sent.append(message["body"])
                if not message["more_body"]:
                    sent.append(None)

        request = Request("http://a.example/")
        response = Response(source, headers={"content-type": "text/plain"})
        payload = response.payload
        assert isinstance(payload, BodyStream)
        watch = Watch(request, asyncio.get_running_loop(), receive)
        streaming = Streaming(request, response, payload, watch, keep, 0.0)
        try:
            await asyncio.wait_for(streaming.run("GET"), 10)
        except Exception as error:  # to be looked at by the test
            sent.append(error)
        finally:
            watch.stop()

    asyncio.run(main())
    return sent


async def numbers(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield b"%d," % number


def test_what_is_there_at_once_is_one_message() -> None:
    assert sent_of(numbers(5)) == [b"0,1,2,3,4,", None]


def test_nothing_is_held_back_while_the_source_waits() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"
        await asyncio.sleep(0.01)
        yield b"c"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        yield b"d"

    assert sent_of(chunks()) == [b"ab", b"c", b"d", None]


def test_the_words_of_a_readable_stream_come_one_by_one() -> None:
    words = iter([b"one", b"two"])

    async def pull(controller: Any) -> None:
        await asyncio.sleep(0.005)
        word = next(words, None)
        if word is None:
            controller.close()
        else:
            controller.enqueue(word)

    assert [body for body in sent_of(ReadableStream(pull=pull)) if body] == [b"one", b"two"]


def test_much_is_sent_before_the_end() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(8_000)

    sizes = [len(body) for body in sent_of(chunks()) if body is not None]
    assert sum(sizes) == 800_000
    assert max(sizes) <= 65_536 + 8_000


@pytest.mark.parametrize("size", [0, 1, 1_000, 100_000])
def test_a_client_that_leaves_ends_a_source_that_never_waits(size: int) -> None:
    """The server takes what is sent to it without waiting then."""
    ended: list[str] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(size)
        finally:
            ended.append("finally")

    assert None not in sent_of(endless(), leaves_after=0.02)
    assert ended == ["finally"]


def test_what_came_before_a_failure_has_come_and_the_answer_has_no_end() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"
        raise KeyError("x")

    bodies = sent_of(chunks())
    assert bodies[:1] == [b"ab"]
    assert isinstance(bodies[1], KeyError)
    assert len(bodies) == 2


def test_a_failure_after_a_wait_too() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.001)
        raise KeyError("x")

    assert [type(item) for item in sent_of(chunks())] == [bytes, KeyError]


def test_a_client_that_leaves_ends_the_source_where_it_waits() -> None:
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            ended.append("finally")

    assert sent_of(chunks(), leaves_after=0.02) == [b"a"]
    assert ended == ["cancelled", "finally"]


def test_a_client_that_leaves_while_it_is_written_to_ends_the_source() -> None:
    """The source waits for its next piece then, and is not where it gave the last one."""
    ended: list[str] = []

    async def slow(message: Message) -> None:
        await asyncio.sleep(30)

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.sleep(30)
        finally:
            ended.append("finally")

    assert sent_of(chunks(), send=slow, leaves_after=0.02) == []
    assert ended == ["finally"]


def test_a_server_that_refuses_a_message_ends_the_source() -> None:
    ended: list[str] = []

    async def refuse(message: Message) -> None:
        raise OSError("gone")

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.sleep(30)
        except OSError as error:
            ended.append(str(error))
            raise

    assert [type(item) for item in sent_of(chunks(), send=refuse)] == [OSError]
    assert ended == ["gone"]


def test_timeouts_and_groups_of_the_source_work_across_messages() -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.005)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(30)
        except TimeoutError:
            yield b"late"
        async with asyncio.TaskGroup() as group:
            group.create_task(slowly())
            group.create_task(slowly())
        yield b"both"

    assert sent_of(chunks()) == [b"a", b"late", b"both", None]


class Futures:
    """An iterator whose steps are futures, which no generator made."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __aiter__(self) -> Futures:
        return self

    def __anext__(self) -> asyncio.Future[bytes]:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if not self.left:
            future.set_exception(StopAsyncIteration())
        elif self.left % 2:
            future.set_result(b"%d" % self.left)
        else:
            asyncio.get_running_loop().call_later(0.001, future.set_result, b"%d" % self.left)
        self.left -= 1
        return future


def test_any_awaitable_is_a_step() -> None:
    assert sent_of(Futures(5)) == [b"5", b"43", b"21", None]


def test_a_source_that_swallows_its_cancellation_goes_on() -> None:
    """As a generator does that is iterated with `async for`."""

    async def step() -> bytes:
        try:
            await asyncio.sleep(30)
        except ValueError:
            await asyncio.sleep(0.001)
        return b"went on"

    async def main() -> bytes:
        async def fails() -> None:
            raise ValueError

        begun: Generator[Any, Any, Any] = step().__await__()
        return await finished(begun, next(begun), fails())  # type: ignore[no-any-return]  # what step() gives

    assert asyncio.run(main()) == b"went on"


@pytest.mark.parametrize("patience", [False, True])
def test_a_source_that_computes_long_sends_as_it_goes(patience: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, *[0.01 if patience else 0.001] * 100])
    monkeypatch.setattr("waypost.asgi.gathering.monotonic", lambda: next(clock))

    async def nobody(message: Message) -> None: ...

    send: Send = nobody
    gathered = Gathered(send)
    assert [gathered.add(b"x") for _ in range(17)] == [False] * 15 + [patience] + [False]
