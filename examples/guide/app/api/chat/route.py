"""Guide: AI/LLM Streaming. For people who have signed in, and not without end: tokens cost money."""

from __future__ import annotations

from waypost import Request, Response
from waypost.ai import stream_text, validate_ui_messages

from lib.model import model
from lib.rate_limit import rate_limit
from lib.with_auth import with_auth

max_body_size = "256kb"
middleware = [rate_limit(limit=20)]


@with_auth
async def POST(request: Request) -> Response:
    messages = validate_ui_messages(await request.json(), max_messages=50)

    result = stream_text(model=model, system="You are a helpful assistant.", messages=messages)

    return result.to_ui_message_stream_response()
