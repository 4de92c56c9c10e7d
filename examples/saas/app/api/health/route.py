"""/api/health: for load balancers. Healthy means that the database answers."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import text
from waypost import Response

from lib.db import db

TIMEOUT = 2.0  # seconds; a health check that hangs is no answer

log = logging.getLogger(__name__)


async def GET() -> Response:
    try:
        async with asyncio.timeout(TIMEOUT), db.reading() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        log.exception("The database does not answer")
        return Response.json({"status": "unhealthy"}, status=503)
    return Response.json({"status": "healthy"})
