from __future__ import annotations

import asyncio
from typing import Any

from waypost import ReadableStream, Response

dynamic = "force-static"


async def start(controller: Any) -> None:
    for number in range(3):
        controller.enqueue(f"part{number};".encode())
        await asyncio.sleep(0.02)
    controller.close()


async def GET() -> Response:
    return Response(ReadableStream(start=start), headers={"content-type": "text/plain"})
