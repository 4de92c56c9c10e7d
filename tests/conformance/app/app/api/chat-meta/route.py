from __future__ import annotations

from typing import Any

from waypost import Request, Response
from waypost.ai import convert_to_model_messages, stream_text

from lib.mock_model import mock_model


async def POST(request: Request) -> Response:
    messages = (await request.json())["messages"]
    result = stream_text(model=mock_model("plain"), messages=convert_to_model_messages(messages))
    return result.to_ui_message_stream_response(
        headers={"x-chat": "yes"},
        generate_message_id=lambda: "msg-fixed",
        original_messages=messages,
        message_metadata=metadata,
    )


def metadata(part: Any) -> dict[str, int] | None:
    return {"total": part.total_usage.total_tokens} if part.type == "finish" else None
