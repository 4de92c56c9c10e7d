"""UI messages → the messages that a model is given: what is shown in a page is taken off, tool results take their turn.

A model message is a plain dict in the words of the AI SDK: `{"role": "user" | "assistant" | "tool", "content": …}`,
content a str or a list of parts. Knows no provider.
Source: AI SDK 5 to 7, ModelMessage and convertToModelMessages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from waypost.ai.ui_messages import InvalidMessages, Part, UIMessage, text_of, tool_name, unwrapped, validate_ui_messages

ModelMessage: TypeAlias = dict[str, Any]

_CONTENT = {
    "user": ("text", "file"),
    "assistant": ("text", "file", "reasoning", "tool-call"),
    "tool": ("tool-result", "tool-approval-response"),
}


def convert_to_model_messages(messages: Any, **limits: Any) -> list[ModelMessage]:
    """What a model is given for the messages of a page.

    messages: the JSON body of its request, the messages in it, or those that validate_ui_messages gave.
    limits: those of validate_ui_messages.
    System messages are dropped. A tool call without a result is left out, since no provider takes one.
    Raises InvalidMessages (400).
    """
    converted: list[ModelMessage] = []
    for message in validate_ui_messages(messages, **limits):
        if message["role"] == "user":
            converted.append({"role": "user", "content": _user_content(message)})
        else:
            converted.extend(_assistant_messages(message))
    return converted


def to_model_messages(messages: Any) -> list[ModelMessage]:
    """Model messages of whatever stands in their place: UI messages, or dicts with role and content.

    System messages are dropped: a handler that passes on what a client sent would give its instructions away.
    Raises InvalidMessages (400) for what is neither.
    """
    messages = unwrapped(messages)
    if any(isinstance(message, dict) and "parts" in message for message in messages):
        return convert_to_model_messages(messages)
    if not messages:
        raise InvalidMessages("messages must not be empty")
    return [
        message
        for index, message in enumerate(messages)
        if _check_model_message(message, f"messages[{index}]")["role"] != "system"
    ]


def _check_model_message(message: Any, place: str) -> ModelMessage:
    if not isinstance(message, dict):
        raise InvalidMessages(f"{place} must be an object")
    role, content = message.get("role"), message.get("content")
    if role not in ("system", *_CONTENT):
        raise InvalidMessages(f"{place}.role must be user, assistant or tool")
    if isinstance(content, str) and role != "tool":
        return message
    if not isinstance(content, list):
        raise InvalidMessages(f"{place}.content must be a string or an array")
    for number, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") not in _CONTENT.get(role, ("text",)):
            raise InvalidMessages(f"{place}.content[{number}] is not a part that this role has")
        for name in _STRINGS[part["type"]]:
            if not isinstance(part.get(name), str):
                raise InvalidMessages(f"{place}.content[{number}].{name} must be a string")
    return message


_STRINGS = {
    "text": ("text",),
    "reasoning": ("text",),
    "file": ("data", "mediaType"),
    "tool-call": ("toolCallId", "toolName"),
    "tool-result": ("toolCallId", "toolName"),
    "tool-approval-response": ("approvalId",),
}


def _user_content(message: UIMessage) -> str | list[Part]:
    if all(part["type"] == "text" for part in message["parts"]):
        return text_of(message)
    return [_plain(part) for part in message["parts"] if part["type"] in ("text", "file")]


def _plain(part: Part) -> Part:
    """A text, reasoning or file part without what only a page needs."""
    if part["type"] == "file":
        file = {"type": "file", "data": part["url"], "mediaType": part["mediaType"]}
        return {**file, "filename": part["filename"]} if isinstance(part.get("filename"), str) else file
    plain = {"type": part["type"], "text": part["text"]}
    # Signatures of reasoning: providers refuse their own words without them.
    return {**plain, "providerMetadata": part["providerMetadata"]} if "providerMetadata" in part else plain


def _assistant_messages(message: UIMessage) -> Iterable[ModelMessage]:
    """An answer of several steps: what the model said, then the results it waited for, and so on."""
    said: list[Part] = []
    results: list[Part] = []
    for part in message["parts"]:
        kind = part["type"]
        if kind == "step-start":
            yield from _step(said, results)
            said, results = [], []
        elif (name := tool_name(part)) is not None:
            if part.get("providerExecuted") is True:
                continue  # the provider ran it; as a call of ours its next model would not know the tool
            result = _result(part, name)
            if result is not None:
                call = {"toolCallId": part["toolCallId"], "toolName": name, "input": part.get("input")}
                said.append({"type": "tool-call", **call})
                results.append(result)
        elif kind in ("text", "reasoning", "file") and (kind == "file" or part["text"]):
            said.append(_plain(part))
    yield from _step(said, results)


def _step(said: list[Part], results: list[Part]) -> Iterable[ModelMessage]:
    if said:
        yield {"role": "assistant", "content": said}
    if results:
        yield {"role": "tool", "content": results}


def _result(part: Part, name: str) -> Part | None:
    """What became of a tool call; None when nothing did."""
    state = part["state"]
    if state == "approval-responded":
        approval = part["approval"]
        return {
            "type": "tool-approval-response",
            "approvalId": approval["id"],
            "toolCallId": part["toolCallId"],
            "approved": approval["approved"],
            "reason": approval.get("reason"),
        }
    if state == "output-available":
        output = {"type": "json", "value": part.get("output")}
    elif state == "output-error":
        output = {"type": "error-text", "value": part["errorText"]}
    elif state == "output-denied":
        output = {"type": "execution-denied", "value": "The user denied this tool call."}
    else:
        return None
    return {"type": "tool-result", "toolCallId": part["toolCallId"], "toolName": name, "output": output}
