import asyncio

from lib.ledger import seen

from waypost import Response


async def GET(request):
    async def events():
        try:
            while not request.signal.aborted:
                yield b"data: tick\n\n"
                await asyncio.sleep(0.2)
            yield b"data: end\n\n"
        finally:
            seen["events closed"] += 1

    return Response(events(), headers={"content-type": "text/event-stream"})
