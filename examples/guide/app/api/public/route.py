"""Guide: Per-Route CORS. This policy decides here, whatever the one in middleware.py says."""

from __future__ import annotations

from waypost import Response
from waypost.cors import cors

allow = cors(
    origins="https://other-frontend.com",
    methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
    headers=["Content-Type", "Authorization"],
)


@allow
async def GET() -> Response:
    data = {"message": "Hello from the API"}
    return Response.json(data)
