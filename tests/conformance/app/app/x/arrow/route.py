"""Handlers that are expressions; one plain, one that waits."""

from __future__ import annotations

import asyncio

from waypost import Response

GET = lambda: Response.json({"arrow": True})  # noqa: E731  (the case is about a lambda)


async def POST() -> Response:
    await asyncio.sleep(0)
    return Response.json({"arrow": "post"}, status=201)
