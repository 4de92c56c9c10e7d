"""The guide's handler as it stands: the messages go to the model unconverted."""

from __future__ import annotations

from waypost import Request, Response
from waypost.ai import stream_text

from lib.mock_model import mock_model


async def POST(request: Request) -> Response:
    messages = (await request.json())["messages"]
    result = stream_text(model=mock_model("plain"), system="You are a helpful assistant.", messages=messages)
    return result.to_ui_message_stream_response()
