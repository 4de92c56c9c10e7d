from __future__ import annotations

from collections.abc import AsyncIterator

from waypost import Request, Response
from waypost.sse import Event, EventStream, last_event_id


async def events(after: int) -> AsyncIterator[Event]:
    yield Event({"number": after + 1}, id=after + 1, event="number")


async def lines() -> AsyncIterator[str]:
    yield "a line\n"


async def GET(request: Request) -> Response:
    return EventStream(events(int(last_event_id(request) or "0")), retry=2000)


async def POST(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    if request.signal.aborted:
        return Response(None, 204)
    return Response(lines(), headers={"X-Size": str(size)})
