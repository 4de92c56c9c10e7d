"""Guide: Basic Streaming with ReadableStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from waypost import Response
from waypost.sse import EventStream

PAUSE = 0.5  # seconds
running: set[int] = set()


async def messages() -> AsyncIterator[str]:
    running.add(me := id(asyncio.current_task()))
    try:
        for i in range(10):
            yield f"Message {i}"
            await asyncio.sleep(PAUSE)
    finally:  # runs at the end, and as soon as the client has left
        running.discard(me)


async def GET() -> Response:
    return EventStream(messages())
