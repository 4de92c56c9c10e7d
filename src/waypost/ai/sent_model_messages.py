"""Messages with a role and content, as a program sends them, checked as closely as those of a page.

What comes out is what a page's messages become (ai/model_messages.py), whatever came in: no system messages, the
known keys alone, and each tool call with its result. Knows no model.
Source: AI SDK 5 to 7, ModelMessage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from waypost.ai.limits import Checked, Count, InvalidMessages

_ANY: Any = object
_KINDS: dict[str, tuple[str, ...]] = {
    "system": ("text",),
    "user": ("text", "file"),
    "assistant": ("text", "file", "reasoning", "tool-call"),
    "tool": ("tool-result", "tool-approval-response"),
}
# What a part must have and what it may have, and of which type. What is not here is taken off.
_REQUIRED: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "reasoning": {"text": str},
    "file": {"data": str, "mediaType": str},
    "tool-call": {"toolCallId": str, "toolName": str},
    "tool-result": {"toolCallId": str, "toolName": str},
    "tool-approval-response": {"approvalId": str, "toolCallId": str, "approved": bool},
}
_OPTIONAL: dict[str, dict[str, Any]] = {
    "text": {"providerMetadata": _ANY},
    "reasoning": {"providerMetadata": _ANY},
    "file": {"filename": str},
    "tool-call": {"input": _ANY},
    "tool-result": {"output": _ANY},
    "tool-approval-response": {"reason": str | None},
}


def check_model_messages(value: Any, **limits: Any) -> Checked[dict[str, Any]]:
    """The model messages of a request. limits: those of validate_ui_messages. Raises InvalidMessages (400)."""
    count = Count(**limits)
    places: list[str] = []
    messages: list[dict[str, Any]] = []
    for index, message in enumerate(count.messages(value)):
        place = f"messages[{index}]"
        checked = _message(message, place, count)
        if checked["role"] != "system":
            places.append(place)
            messages.append(checked)
    return Checked(_paired(messages, places))


def _message(message: Any, place: str, count: Count) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise InvalidMessages(f"{place} must be an object")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in _KINDS:
        raise InvalidMessages(f"{place}.role must be user, assistant or tool")
    if isinstance(content, str) and role != "tool":
        count.parts(1)
        count.text(content)
        return {"role": role, "content": content}
    if not isinstance(content, list):
        raise InvalidMessages(f"{place}.content must be {'an array' if role == 'tool' else 'a string or an array'}")
    count.parts(len(content))
    parts = [_part(part, f"{place}.content[{number}]", role, count) for number, part in enumerate(content)]
    return {"role": role, "content": parts}


def _part(part: Any, place: str, role: str, count: Count) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS[role]:
        raise InvalidMessages(f"{place} is not a part that this role has")
    kept: dict[str, Any] = {"type": kind}
    for name, expected in _REQUIRED[kind].items():
        kept[name] = part.get(name)
        if not isinstance(kept[name], expected):
            raise InvalidMessages(f"{place}.{name} is missing or of another type")
    for name, expected in _OPTIONAL[kind].items():
        if name in part:
            kept[name] = part[name]
            if not isinstance(kept[name], expected):
                raise InvalidMessages(f"{place}.{name} is of another type")
    if kept.get("toolCallId") == "":
        raise InvalidMessages(f"{place}.toolCallId must not be empty")
    if "text" in kept:
        count.text(kept["text"])
    if "data" in kept:
        count.url(kept["data"], f"{place}.data")
    return kept


def _paired(messages: list[dict[str, Any]], places: list[str]) -> Iterator[dict[str, Any]]:
    """The messages, without the tool calls that have no result in the message after them.

    No provider takes such a call, and pydantic-ai would run it: a client could write a call of its own into the chat,
    or get the id that allows it.
    """
    calls: set[str] = set()  # of the message before
    for index, (message, place) in enumerate(zip(messages, places, strict=True)):
        role, content = message["role"], message["content"]
        if role == "tool":
            for number, part in enumerate(content):
                if part["toolCallId"] not in calls:
                    raise InvalidMessages(f"{place}.content[{number}] has no tool call in the message before it")
        elif role == "assistant" and isinstance(content, list):
            after = messages[index + 1] if index + 1 < len(messages) else message
            results = _ids(after["content"]) if after["role"] == "tool" else set()
            content = [part for part in content if part["type"] != "tool-call" or part["toolCallId"] in results]
        calls = _ids(content) if role == "assistant" else set()
        if content or role == "user":
            yield {"role": role, "content": content}


def _ids(content: str | Iterable[dict[str, Any]]) -> set[str]:
    """Of the tool calls or the results in a content."""
    return set() if isinstance(content, str) else {part["toolCallId"] for part in content if "toolCallId" in part}
