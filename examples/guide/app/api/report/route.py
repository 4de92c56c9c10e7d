"""Guide: Handle Errors Gracefully. What may be expected gets an answer of its own.

There is nothing to write for the rest: it is logged with its traceback, and the client gets
{"error": "Internal server error", "id": …} with the id that is in the log.
"""

from __future__ import annotations

import logging

from waypost import FetchError, Response

from lib.external import ExternalError, fetch_external_api

log = logging.getLogger(__name__)


async def GET() -> Response:
    try:
        data = await fetch_external_api()
    except (FetchError, ExternalError) as error:
        log.warning("the other service: %s", error)
        return Response.json({"error": "Try again later"}, status=503, headers={"Retry-After": "30"})
    return Response.json({"entries": len(data["entries"])})
