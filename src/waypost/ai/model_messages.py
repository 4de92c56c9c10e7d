"""UI messages → the messages that a model is given: what is shown in a page is taken off, tool results take their turn.

A model message is a plain dict in the words of the AI SDK: `{"role": "user" | "assistant" | "tool", "content": …}`,
content a str or a list of parts. Those that a client sends itself are checked in ai/sent_model_messages.py. Knows no
provider.
Source: AI SDK 5 to 7, ModelMessage and convertToModelMessages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from waypost.ai.limits import Checked, unwrapped
from waypost.ai.sent_model_messages import check_model_messages
from waypost.ai.ui_messages import Part, UIMessage, text_of, tool_name, validate_ui_messages

ModelMessage: TypeAlias = dict[str, Any]


def convert_to_model_messages(messages: Any, **limits: Any) -> list[ModelMessage]:
    """What a model is given for the messages of a client.

    messages: the JSON body of a request, the messages in it, or those that validate_ui_messages gave; messages of a
    page have parts, those of other programs have content, as a model's. limits: those of validate_ui_messages, and for
    both.
    System messages are dropped: a handler that passes on what a client sent would give its instructions away. A tool
    call without a result is left out, since no provider takes one.
    Raises InvalidMessages (400).
    """
    if limits or not isinstance(messages, Checked):
        messages = unwrapped(messages)
        of_a_page = any(isinstance(message, dict) and "parts" in message for message in messages)
        messages = validate_ui_messages(messages, **limits) if of_a_page else check_model_messages(messages, **limits)
    converted: Checked[ModelMessage] = Checked()
    for message in messages:
        if "parts" not in message:
            converted.append(message)
        elif message["role"] == "user":
            converted.append({"role": "user", "content": _user_content(message)})
        else:
            converted.extend(_assistant_messages(message))
    return converted


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
