from __future__ import annotations

import itertools

from waypost import Response

from lib.modstate import inc

_own = itertools.count(1)


async def POST() -> Response:
    return Response.json({"shared": inc(), "local": next(_own)})
