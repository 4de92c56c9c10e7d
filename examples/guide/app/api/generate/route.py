"""Guide: In-Memory Rate Limiter."""

from __future__ import annotations

from waypost import Response

from lib.rate_limit import rate_limit

limiter = rate_limit(limit=5, window="1m")


@limiter
async def POST() -> Response:
    # Process the request...
    return Response.json({"data": "result"})
