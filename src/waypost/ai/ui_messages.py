"""The messages of a chat as a page sends them, checked before anything believes them.

What comes from a browser is what its user wrote, the earlier answers of the assistant included: roles, parts, counts
and sizes are checked here, and a system message is dropped, since instructions are the server's. The checked messages
are the same plain dicts, so that they can be stored as JSON. Knows no model.
Source: AI SDK 5 to 7, UIMessage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from waypost.ai.limits import MAX_CHARACTERS, MAX_MESSAGES, MAX_PARTS, URL_SCHEMES, Checked, Count, InvalidMessages

Part: TypeAlias = dict[str, Any]

ROLES = ("system", "user", "assistant")
TOOL_STATES = (
    "input-streaming", "input-available", "approval-requested", "approval-responded", "output-available",
    "output-error", "output-denied",
)  # fmt: skip
# What a part must have, and of which type.
_TEXT: dict[str, type] = {"text": str}
_FILE: dict[str, type] = {"url": str, "mediaType": str}
_FIELDS: dict[str, dict[str, type]] = {
    "text": _TEXT,
    "reasoning": _TEXT,
    "file": _FILE,
    "reasoning-file": _FILE,
    "source-url": {"sourceId": str, "url": str},
    "source-document": {"sourceId": str, "mediaType": str, "title": str},
    "step-start": {},
    "custom": {"kind": str},
    "steering-message": {"id": str, "parts": list},
    "dynamic-tool": {"toolName": str},
}
_OF_A_USER = ("text", "file")


class UIMessage(TypedDict):
    """A message of a chat; parts: dicts with a `type`, in the words of the AI SDK."""

    id: str
    role: Literal["user", "assistant"]
    parts: list[Part]
    metadata: NotRequired[Any]


def validate_ui_messages(
    value: Any,
    *,
    max_messages: int = MAX_MESSAGES,
    max_parts: int = MAX_PARTS,
    max_characters: int = MAX_CHARACTERS,
    url_schemes: Collection[str] = URL_SCHEMES,
) -> list[UIMessage]:
    """The messages of a request, without the system messages among them.

    value: the JSON body that `useChat` posts, or the messages in it.
    max_parts, max_characters: of all messages together; the size of files is bounded by the body limit.
    url_schemes: of files; "http" is left out because a model's provider, or the server itself, would fetch it.
    Raises InvalidMessages (400) for anything that is no chat.
    """
    count = Count(max_messages, max_parts, max_characters, url_schemes)
    checked: Checked[UIMessage] = Checked()
    for index, message in enumerate(count.messages(value)):
        place = f"messages[{index}]"
        _check_message(message, place)
        count.parts(len(message["parts"]))
        for number, part in enumerate(message["parts"]):
            _check_part(part, f"{place}.parts[{number}]", message["role"], count)
            text = part.get("text")
            if isinstance(text, str):
                count.text(text)
        if message["role"] != "system":
            checked.append(message)
    return checked


def _check_message(message: Any, place: str) -> None:
    if not isinstance(message, dict):
        raise InvalidMessages(f"{place} must be an object")
    if not isinstance(message.get("id", ""), str):
        raise InvalidMessages(f"{place}.id must be a string")
    if message.get("role") not in ROLES:
        raise InvalidMessages(f"{place}.role must be user or assistant")
    if not isinstance(message.get("parts"), list):
        raise InvalidMessages(f"{place}.parts must be an array")


def _check_part(part: Any, place: str, role: str, count: Count) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise InvalidMessages(f"{place} must be an object with a type")
    if kind.startswith("data-"):
        return
    is_tool = kind == "dynamic-tool" or (kind.startswith("tool-") and len(kind) > 5)
    fields = _FIELDS.get(kind)
    if fields is None and not is_tool:
        raise InvalidMessages(f"{place}.type is not known")
    if role == "user" and kind not in _OF_A_USER:
        raise InvalidMessages(f"{place}: a user sends text, files and data")
    for name, expected in (fields or {}).items():
        if not isinstance(part.get(name), expected):
            raise InvalidMessages(f"{place}.{name} is missing or of another type")
    if is_tool:
        _check_tool(part, place)
    if "url" in part and kind != "source-url":
        if not isinstance(part["url"], str):
            raise InvalidMessages(f"{place}.url must be a string")
        count.url(part["url"], f"{place}.url")


def _check_tool(part: Part, place: str) -> None:
    call = part.get("toolCallId")
    if not isinstance(call, str) or not call:
        raise InvalidMessages(f"{place}.toolCallId must be a string")
    state = part.get("state")
    if state not in TOOL_STATES:
        raise InvalidMessages(f"{place}.state is not known")
    if state == "output-error" and not isinstance(part.get("errorText"), str):
        raise InvalidMessages(f"{place}.errorText must be a string")
    if state in ("approval-requested", "approval-responded"):
        approval = part.get("approval")
        if not isinstance(approval, dict) or not isinstance(approval.get("id"), str):
            raise InvalidMessages(f"{place}.approval must be an object with an id")
        if state == "approval-responded" and not isinstance(approval.get("approved"), bool):
            raise InvalidMessages(f"{place}.approval.approved must be true or false")


def tool_name(part: Part) -> str | None:
    """The name of the tool that a part is about; None for other parts."""
    kind: str = part["type"]
    if kind == "dynamic-tool":
        return str(part["toolName"])
    return kind[5:] if kind.startswith("tool-") else None


def text_of(message: UIMessage) -> str:
    """The text of a message, its text parts joined."""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


#: Makes the id of a new message.
MakeId: TypeAlias = Callable[[], str]
