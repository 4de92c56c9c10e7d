from __future__ import annotations

from waypost import Request, Response
from waypost.ai import convert_to_model_messages, stream_text

from lib.mock_model import mock_model


async def POST(request: Request) -> Response:
    messages = (await request.json())["messages"]
    return stream_text(
        model=mock_model("plain"), messages=convert_to_model_messages(messages)
    ).to_text_stream_response()
