from __future__ import annotations

from waypost import Request, Response

from lib.rate_limit import rate_limit


async def POST(request: Request) -> Response:
    # As in the guide: anyone can choose this header. request.ip is what a real limit would count.
    ip = request.headers.get("x-forwarded-for") or "anonymous"
    limit = rate_limit(ip, 5, 60)
    if not limit.success:
        return Response.json({"error": "Too many requests"}, status=429, headers={"Retry-After": "60"})
    return Response.json({"data": "result"}, headers={"X-RateLimit-Remaining": str(limit.remaining)})
