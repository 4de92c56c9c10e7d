from __future__ import annotations

from waypost import Request, Response
from waypost.ai import openai, stream_text, validate_ui_messages


async def POST(request: Request) -> Response:
    messages = validate_ui_messages(await request.json(), max_messages=50)
    result = stream_text(model=openai("gpt-4o"), system="Be brief.", messages=messages)
    return result.to_ui_message_stream_response()
