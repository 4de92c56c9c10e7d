"""Guide: JSON Body."""

from __future__ import annotations

from waypost import Request, Response

max_body_size = "16kb"


async def POST(request: Request) -> Response:
    body = await request.json()
    # body is typed as Any, and may be any JSON value: look before you use it
    if not isinstance(body, dict) or not isinstance(body.get("text"), str):
        return Response.json({"error": "text is required"}, status=400)
    return Response.json({"length": len(body["text"])})
