"""/api/revalidate: for whoever changes the database past this API, such as an import: drops what is kept."""

from __future__ import annotations

import hmac
import os
import time

from waypost import CacheUsageError, Request, Response
from waypost.cache import revalidate_path, update_tag

from lib.validation import Revalidation, read_json

# Without the variable there is no start: a secret that is empty, or that everybody knows, protects nothing.
SECRET = os.environ["REVALIDATION_SECRET"].encode()
if not SECRET:
    raise ValueError("REVALIDATION_SECRET is empty")


async def POST(request: Request) -> Response:
    body = await read_json(request, Revalidation)
    if not hmac.compare_digest(body.secret.encode(), SECRET):
        return Response.json({"error": "Invalid secret"}, status=401)
    try:
        if body.tag is not None:
            update_tag(body.tag)
        if body.path is not None:
            revalidate_path(body.path, body.type)
    except CacheUsageError as error:
        return Response.json({"error": str(error)}, status=400)
    return Response.json({"revalidated": True, "now": time.time_ns() // 1_000_000})
