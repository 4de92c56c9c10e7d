from __future__ import annotations

from collections.abc import AsyncIterator

from waypost import Request, Response
from waypost.sse import Event, EventStream


async def events() -> AsyncIterator[Event]:
    yield Event({"number": 1}, id=1, name="number")  # planted: event


async def GET(request: Request) -> Response:
    return EventStream(events(), retry="2s")  # planted: milliseconds


async def POST(request: Request) -> Response:
    async for chunk in request.stream():
        print(chunk.encode())  # planted: chunks are bytes
    for _ in request.stream():  # planted: async for
        continue
    return EventStream(5)  # planted: nothing to iterate over
