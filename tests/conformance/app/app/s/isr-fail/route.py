"""A switch: whether s/isr-status fails."""

from __future__ import annotations

from waypost import Request, Response

from lib.state import set_counter


async def POST(request: Request) -> Response:
    on = bool((await request.json()).get("on"))
    set_counter("isr-fail", int(on))
    return Response.json({"on": on})
