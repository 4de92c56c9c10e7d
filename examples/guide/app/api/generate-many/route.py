"""Guide: Production Rate Limiting with Redis. By hand, as the guide has it; `@rate_limiter` would do the same."""

from __future__ import annotations

from waypost import Request, Response
from waypost.ratelimit import client_key

from lib.rate_limit_redis import rate_limiter


async def POST(request: Request) -> Response:
    result = await rate_limiter.limit(client_key(request))

    if not result.success:
        return rate_limiter.refusal(result)

    # Process the request...
    return rate_limiter.marked(Response.json({"data": "result"}), result)
