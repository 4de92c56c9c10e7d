"""A small stream that fails: `?how=raise|short|cancel|exit`, with `&length=1` under a Content-Length."""

import asyncio

from waypost import Response


async def GET(request):
    query = request.next_url.search_params
    how = query.get("how") or "raise"

    async def parts():
        yield b"begin "
        if query.get("late"):
            await asyncio.sleep(0.001)
        if how == "raise":
            raise RuntimeError("in mid-stream")
        if how == "cancel":
            raise asyncio.CancelledError
        if how == "exit":
            raise SystemExit(3)

    headers = {"content-length": "100"} if query.get("length") or how == "short" else {}
    return Response(parts(), headers=headers)
