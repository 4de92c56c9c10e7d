"""An event a second, each with the time at which it was due."""

import asyncio
from collections.abc import AsyncIterator

from waypost import Response
from waypost.sse import Event, EventStream


async def _news() -> AsyncIterator[Event]:
    loop = asyncio.get_running_loop()
    due, number = loop.time(), 0
    while True:
        due, number = due + 1, number + 1
        await asyncio.sleep(due - loop.time())
        yield Event(due, id=number)


async def GET() -> Response:
    return EventStream(_news())
