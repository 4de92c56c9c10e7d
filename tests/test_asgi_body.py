"""A request body that is pulled through ASGI's receive()."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from waypost.asgi.body import PulledBody
from waypost.errors import BodyTooLarge, ClientDisconnected

Message = MutableMapping[str, Any]


class Source:
    """receive() over a list of messages; past its end it waits for ever, as a server does while the client stays."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.waiting = 0

    async def __call__(self) -> Message:
        await asyncio.sleep(0)
        if not self.messages:
            self.waiting += 1
            await asyncio.Event().wait()
        return self.messages.pop(0)


def chunk(data: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


def test_two_readers_share_the_one_receive() -> None:
    async def main() -> None:
        source = Source(chunk(b"ab"), chunk(b"cd", False))
        body = PulledBody(4, _receive=source)
        both = asyncio.gather(body.read(), body.read())
        assert await asyncio.wait_for(both, 2) == [b"abcd", b"abcd"]
        assert source.waiting == 0

    asyncio.run(main())


def test_a_reader_that_is_cancelled_leaves_the_pulling_to_the_next() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def receive() -> Message:
            await gate.wait()
            return chunk(b"ab", False)

        body = PulledBody(2, _receive=receive)
        first, second = asyncio.create_task(body.read()), asyncio.create_task(body.read())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        gate.set()
        assert await asyncio.wait_for(second, 2) == b"ab"

    asyncio.run(main())


@pytest.mark.parametrize("end", [{"type": "http.disconnect"}, chunk(b"", False)])
def test_a_short_body_raises(end: Message) -> None:
    async def main() -> None:
        body = PulledBody(10, _receive=Source(chunk(b"abc"), end))
        with pytest.raises(ClientDisconnected):
            await body.read()
        await asyncio.wait_for(body.ended(), 2)

    asyncio.run(main())


def test_the_limit_stops_the_pulling() -> None:
    async def main() -> None:
        source = Source(*(chunk(b"x" * 10) for _ in range(5)))
        body = PulledBody(None, _receive=source)
        body.limit = 25
        with pytest.raises(BodyTooLarge):
            await body.read()
        assert len(source.messages) == 2

    asyncio.run(main())
