"""/api/health: for load balancers. Healthy means that the database answers."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import text
from waypost import Request, Response

from lib.db import db

TIMEOUT = 2.0  # seconds; a health check that hangs is no answer

log = logging.getLogger(__name__)


async def GET(request: Request) -> Response:
    timestamp = int(time.time() * 1000)
    try:
        async with asyncio.timeout(TIMEOUT), db.session() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        log.exception("The database does not answer")
        return Response.json({"status": "unhealthy", "timestamp": timestamp}, status=503)
    return Response.json({"status": "healthy", "timestamp": timestamp})
