"""Guide: On-Demand Revalidation. The secret is in a header, which no log of bodies keeps: `Authorization: Bearer …`."""

from __future__ import annotations

import hmac
import time

from waypost import CacheUsageError, Request, Response
from waypost.cache import revalidate_path, update_tag

from lib.rate_limit import rate_limit
from lib.settings import secret

REVALIDATION_SECRET = secret("REVALIDATION_SECRET")
max_body_size = "4kb"
middleware = [rate_limit(limit=60)]


async def POST(request: Request) -> Response:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), REVALIDATION_SECRET.encode()):
        return Response.json({"error": "Invalid secret"}, status=401, headers={"WWW-Authenticate": "Bearer"})

    body = await request.json()
    tag, path = (body.get("tag"), body.get("path")) if isinstance(body, dict) else (None, None)
    try:
        if isinstance(tag, str):
            update_tag(tag)
        elif isinstance(path, str):
            revalidate_path(path)
        else:
            return Response.json({"error": "tag or path is required"}, status=400)
    except CacheUsageError as error:
        return Response.json({"error": str(error)}, status=400)

    return Response.json({"revalidated": True, "now": int(time.time() * 1000)})
