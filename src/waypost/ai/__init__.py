"""Chat with language models, in the protocol that `useChat` of the AI SDK reads.

`stream_text(model=…, messages=…).to_ui_message_stream_response()` is a whole chat route. Models of providers run
through pydantic-ai (`pip install waypost[ai]`); everything else here needs no package.
"""

from __future__ import annotations

from waypost.ai.limits import InvalidMessages
from waypost.ai.model_messages import ModelMessage, convert_to_model_messages
from waypost.ai.outcome import Usage
from waypost.ai.providers import anthropic, openai
from waypost.ai.resume import ResumableStreams
from waypost.ai.stream_text import MetadataPart, StreamText, TextFinished, stream_text
from waypost.ai.tools import Tool, tool
from waypost.ai.ui_messages import UIMessage, text_of, validate_ui_messages
from waypost.ai.ui_stream import (
    Finished,
    UIMessageStream,
    create_ui_message_stream,
    create_ui_message_stream_response,
)
from waypost.ai.writer import UIMessageStreamWriter

__all__ = [
    "Finished",
    "InvalidMessages",
    "MetadataPart",
    "ModelMessage",
    "ResumableStreams",
    "StreamText",
    "TextFinished",
    "Tool",
    "UIMessage",
    "UIMessageStream",
    "UIMessageStreamWriter",
    "Usage",
    "anthropic",
    "convert_to_model_messages",
    "create_ui_message_stream",
    "create_ui_message_stream_response",
    "openai",
    "stream_text",
    "text_of",
    "tool",
    "validate_ui_messages",
]
