"""Guide: Time-Based Revalidation."""

from __future__ import annotations

from waypost import Response

from lib.external import fetch_external_api

# Made anew every 60 seconds, by one request, behind the old answer
revalidate = 60


async def GET() -> Response:
    data = await fetch_external_api()
    return Response.json(data)
