"""The guide's webhook that drops cached answers, behind a secret."""

from __future__ import annotations

import hmac
import os
import time

from waypost import Request, Response
from waypost.cache import revalidate_path, revalidate_tag

SECRET = os.environ["REVALIDATION_SECRET"]


async def POST(request: Request) -> Response:
    body = await request.json()
    secret = body.get("secret") if isinstance(body, dict) else None
    if not hmac.compare_digest(str(secret).encode(), SECRET.encode()):
        return Response.json({"error": "Invalid secret"}, status=401)
    if tag := body.get("tag"):
        if "profile" in body:
            revalidate_tag(tag, body["profile"])
        else:
            revalidate_tag(tag)  # the guide's one-argument form
    elif path := body.get("path"):
        revalidate_path(path, body.get("type"))
    return Response.json({"revalidated": True, "now": time.time_ns() // 1_000_000})
