"""A handler that computes for 2 ms and waits for 20."""

import asyncio
import time

from waypost import Response


async def GET(request):
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end:
        pass
    await asyncio.sleep(0.02)
    return Response("done")
