"""How a handler learns that the client has left: the signal, cancellation, and the stream's cancel."""

from __future__ import annotations

import asyncio
from typing import Any

from waypost import ClientDisconnected, ReadableStream, Request, Response

from lib.state import push


async def GET(request: Request) -> Response:
    query = request.next_url.search_params
    key = query.get("key") or ""
    request.signal.add_event_listener("abort", lambda *_: push(key, "signal"))
    if query.get("kind") == "wait":
        return await wait(request, key)
    sent = 0

    async def pull(controller: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 40:
            controller.close()
            push(key, "complete")
            return
        controller.enqueue(f"data: {sent}\n\n".encode())
        await asyncio.sleep(0.05)

    def cancel(reason: Any) -> None:
        # Next.js calls its reason ResponseAborted; here it is the exception that the request's signal carries too.
        push(key, "cancel:ResponseAborted" if isinstance(reason, ClientDisconnected) else f"cancel:{reason!r}")

    return Response(ReadableStream(pull=pull, cancel=cancel), headers={"content-type": "text/event-stream"})


async def wait(request: Request, key: str) -> Response:
    try:
        for _ in range(20):
            await asyncio.sleep(0.05)
            if request.signal.aborted:
                push(key, "aborted-in-handler")
                break
    except asyncio.CancelledError:
        # The handler's task is cancelled as soon as the client is gone: no need to ask the signal.
        push(key, "aborted-in-handler")
        raise
    finally:
        push(key, "handler-end")
    return Response("done")
