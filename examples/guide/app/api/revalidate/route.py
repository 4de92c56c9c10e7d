"""Guide: On-Demand Revalidation. The secret is in a header, which no log of bodies keeps: `Authorization: Bearer …`."""

from __future__ import annotations

import hmac
import time

from waypost import CacheUsageError, Request, Response
from waypost.cache import revalidate_path, update_tag

from lib.rate_limit import rate_limit
from lib.settings import secret
from lib.validation import Body

REVALIDATION_SECRET = secret("REVALIDATION_SECRET")


class Revalidation(Body):
    tag: str | None = None
    path: str | None = None


max_body_size = "4kb"
middleware = [rate_limit(limit=60)]


async def POST(request: Request) -> Response:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), REVALIDATION_SECRET.encode()):
        return Response.json({"error": "Invalid secret"}, status=401, headers={"WWW-Authenticate": "Bearer"})

    body = await request.json(Revalidation)
    try:
        if body.tag is not None:
            update_tag(body.tag)
        elif body.path is not None:
            revalidate_path(body.path)
        else:
            return Response.json({"error": "tag or path is required"}, status=400)
    except CacheUsageError as error:
        return Response.json({"error": str(error)}, status=400)

    return Response.json({"revalidated": True, "now": int(time.time() * 1000)})
