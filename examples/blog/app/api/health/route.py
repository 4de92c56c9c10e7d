"""/api/health: for load balancers. Healthy means that the database answers."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy import text
from waypost import Response

from lib.answers import Health
from lib.db import db

TIMEOUT = 2.0  # seconds; a health check that hangs is no answer

log = logging.getLogger(__name__)


responses = {503: (Health, "The database does not answer.")}


async def GET() -> Health:
    """Whether the database answers."""
    timestamp = int(time.time() * 1000)
    try:
        async with asyncio.timeout(TIMEOUT), db.session() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        log.exception("The database does not answer")
        raise Response.json({"status": "unhealthy", "timestamp": timestamp}, status=503) from None
    return Health(status="healthy", timestamp=timestamp)
