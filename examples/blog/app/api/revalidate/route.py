"""/api/revalidate: for whoever changes the database past this API, such as an import: drops what is kept."""

from __future__ import annotations

import hmac
import os
import time

from waypost import CacheUsageError, Response
from waypost.cache import revalidate_path, update_tag

from lib.answers import Problem, Revalidated
from lib.validation import Revalidation

# Without the variable there is no start: a secret that is empty, or that everybody knows, protects nothing.
SECRET = os.environ["REVALIDATION_SECRET"].encode()
if not SECRET:
    raise ValueError("REVALIDATION_SECRET is empty")


responses = {401: (Problem, "The secret is not the one of this server.")}


async def POST(body: Revalidation) -> Revalidated:
    """Drop a tag or a path from the cache."""
    if not hmac.compare_digest(body.secret.encode(), SECRET):
        raise Response.json({"error": "Invalid secret"}, status=401)
    try:
        if body.tag is not None:
            update_tag(body.tag)
        if body.path is not None:
            revalidate_path(body.path, body.type)
    except CacheUsageError as error:
        raise Response.json({"error": str(error)}, status=400) from None
    return Revalidated(revalidated=True, now=time.time_ns() // 1_000_000)
