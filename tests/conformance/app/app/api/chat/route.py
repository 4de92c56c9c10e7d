"""The guide's chat."""

from __future__ import annotations

from waypost import Request, Response
from waypost.ai import convert_to_model_messages, stream_text

from lib.mock_model import mock_model


def add(a: int, b: int) -> dict[str, int]:
    """The sum of two numbers."""
    return {"sum": a + b}


async def POST(request: Request) -> Response:
    body = await request.json()
    kind = body.get("kind") or "plain"
    result = stream_text(
        model=mock_model(kind),
        system="You are a helpful assistant.",
        messages=convert_to_model_messages(body["messages"]),
        tools={"add": add} if kind == "tool" else None,
    )
    return result.to_ui_message_stream_response()
