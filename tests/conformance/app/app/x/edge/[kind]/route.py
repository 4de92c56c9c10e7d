"""runtime = "edge" is accepted and means nothing more than the same contract."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from waypost import Context, ReadableStream, Request, Response, cookies, headers

runtime = "edge"


async def three(controller: Any) -> None:
    for number in range(3):
        controller.enqueue(f"data: {number}\n\n".encode())
        await asyncio.sleep(0.03)
    controller.close()


async def handler(request: Request, context: Context) -> Response | None:
    kind = context.params["kind"]
    match kind:
        case "params":
            query = request.next_url.search_params.get("q")
            return Response.json(
                {"params": {"kind": kind}, "q": query, "runtime": "edge", "pathname": request.next_url.pathname}
            )
        case "cookies":
            store = await cookies()
            store.set("e", "1")
            a = store.get("a")
            return Response.json({"a": a.value if a else None, "ua": (await headers()).get("user-agent")})
        case "throw":
            raise RuntimeError("edge secret")
        case "stream":
            return Response(ReadableStream(start=three), headers={"content-type": "text/event-stream"})
        case "undefined":
            return None
        case "json":
            return Response.json({"got": await request.json()})
        case "crypto":
            return Response.json({"hex": hashlib.sha256(b"abc").hexdigest()})
    return Response("?", status=404)


GET = POST = handler
