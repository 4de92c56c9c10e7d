"""Everything back to the start: twelve posts, no counters."""

from __future__ import annotations

from waypost import Response

from lib import state
from lib.db import seed


async def POST() -> Response:
    await seed()
    state.clear()
    return Response.json({"reset": True})
