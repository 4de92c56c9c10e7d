"""The guide's stream: messages as server-sent events, one at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from waypost import ReadableStream, Request, Response

from lib.db import integer


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    count = integer(query.get("n"), default=10, high=10_000)
    pause = integer(query.get("ms"), default=500, high=60_000)
    if count is None or pause is None:
        return Response.json({"error": "n and ms must be integers in range"}, status=400)

    async def start(controller: Any) -> None:
        for number in range(count):
            controller.enqueue(f"data: Message {number}\n\n".encode())
            await asyncio.sleep(pause / 1000)
        controller.close()

    return Response(
        ReadableStream(start=start),
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "Connection": "keep-alive"},
    )
