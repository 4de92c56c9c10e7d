from __future__ import annotations

from waypost import Request, Response

from lib.rate_limit import rate_limit


async def POST(request: Request) -> Response:
    ip = "short:" + (request.headers.get("x-forwarded-for") or "anonymous")
    limit = rate_limit(ip, 2, 1)
    if not limit.success:
        return Response.json({"error": "Too many requests"}, status=429, headers={"Retry-After": "1"})
    return Response.json({"data": "result"}, headers={"X-RateLimit-Remaining": str(limit.remaining)})
