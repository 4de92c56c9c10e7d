from __future__ import annotations

from waypost import Response

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "https://your-frontend.com",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}


async def OPTIONS() -> Response:
    return Response(None, status=204, headers=CORS_HEADERS)


async def GET() -> Response:
    return Response.json({"message": "Hello from the API"}, headers=CORS_HEADERS)
