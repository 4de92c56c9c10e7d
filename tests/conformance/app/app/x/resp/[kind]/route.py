"""Every kind of response a handler can return, and many that it can't."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from waypost import Context, Request, Response

from lib.responses import bodies, redirects, refused, streams

KINDS = bodies.KINDS | refused.KINDS | redirects.KINDS | streams.KINDS


async def handler(request: Request, context: Context) -> Any:
    kind = context.params["kind"]
    if kind == "slow":
        await asyncio.sleep(0.3)
        return Response("slow")
    make = KINDS.get(kind)
    if make is None:
        return Response(f"unknown kind {kind}", status=404)
    result = make(request)
    return await result if inspect.isawaitable(result) else result


GET = POST = handler
