"""Model messages → the history that pydantic-ai takes, and the approvals at its end.

Imported only where pydantic-ai is used: importing it takes seconds. Knows no stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_ai.messages import (
    AudioUrl,
    BinaryContent,
    DocumentUrl,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
    VideoUrl,
)
from pydantic_ai.messages import ModelMessage as History
from pydantic_ai.tools import DeferredToolResults, ToolDenied

from waypost.ai.limits import InvalidMessages
from waypost.ai.model_messages import ModelMessage
from waypost.ai.ui_messages import Part

_URLS = {"image": ImageUrl, "audio": AudioUrl, "video": VideoUrl}


def to_history(
    messages: Sequence[ModelMessage],
) -> tuple[list[History], DeferredToolResults | None]:
    """The history, and what the page's user decided about the tool calls of its last answer.

    The approvals have been checked. Raises InvalidMessages for a file that can't be read.
    """
    history: list[History] = []
    decided: DeferredToolResults | None = None
    for index, message in enumerate(messages):
        role, content = message["role"], message["content"]
        if role == "user":
            history.append(ModelRequest(parts=[UserPromptPart(content=_prompt(content))]))
        elif role == "assistant":
            history.append(ModelResponse(parts=[_said(part) for part in _parts(content)]))
        elif index == len(messages) - 1 and any(part["type"] == "tool-approval-response" for part in content):
            decided = _decisions(content)
        else:
            history.append(ModelRequest(parts=[_returned(part) for part in content]))
    return history, decided


def _parts(content: str | list[Part]) -> list[Part]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _prompt(content: str | list[Part]) -> str | list[UserContent]:
    if isinstance(content, str):
        return content
    return [part["text"] if part["type"] == "text" else _file(part) for part in content]


def _file(part: Part) -> UserContent:
    url, media_type = part["data"], part["mediaType"]
    if url[:5].lower() == "data:":
        try:
            return BinaryContent.from_data_uri(url)
        except ValueError:
            raise InvalidMessages("a file's data: URL can't be read") from None
    kind: Any = _URLS.get(media_type.partition("/")[0], DocumentUrl)
    made: UserContent = kind(url=url, media_type=media_type)
    return made


def _said(part: Part) -> Any:
    match part["type"]:
        case "text":
            return TextPart(content=part["text"])
        case "reasoning":
            return ThinkingPart(content=part["text"])
        case "tool-call":
            return ToolCallPart(tool_name=part["toolName"], args=_arguments(part), tool_call_id=part["toolCallId"])
        case _:
            return TextPart(content=f"[a file of type {part['mediaType']}]")


def _arguments(part: Part) -> Any:
    value = part.get("input")
    return value if isinstance(value, dict | str) else {}


def _returned(part: Part) -> Any:
    if part["type"] == "tool-approval-response":  # of an earlier answer, to which nothing came any more
        text = "The user allowed this call, and it was not made." if part.get("approved") else "The user denied it."
        return ToolReturnPart(tool_name=part.get("toolName", "tool"), content=text, tool_call_id=part["toolCallId"])
    kind, value = _value(part.get("output"))
    outcome: Any = {"error-text": "failed", "error-json": "failed", "execution-denied": "denied"}.get(kind, "success")
    return ToolReturnPart(tool_name=part["toolName"], content=value, tool_call_id=part["toolCallId"], outcome=outcome)


def _decisions(content: list[Part]) -> DeferredToolResults:
    results = DeferredToolResults()
    for part in content:
        if part["type"] == "tool-approval-response":
            denied = ToolDenied(part["reason"]) if isinstance(part.get("reason"), str) else ToolDenied()
            results.approvals[part["toolCallId"]] = True if part.get("approved") is True else denied
        else:
            results.calls[part["toolCallId"]] = _value(part.get("output"))[1]
    return results


def _value(output: Any) -> tuple[str, Any]:
    """The kind and the value of a tool's output; a bare value is JSON."""
    if isinstance(output, dict) and "value" in output and isinstance(output.get("type"), str):
        return output["type"], output["value"]
    return "json", output
