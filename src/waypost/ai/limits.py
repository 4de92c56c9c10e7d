"""What a chat that comes from a client may hold: how many messages, parts and characters, and which addresses of files.

One count for both forms that messages come in, those of a page (ai/ui_messages.py) and those of a model
(ai/sent_model_messages.py), so that the one is no way around what holds for the other.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from waypost.errors import BadRequest

T = TypeVar("T")

MAX_MESSAGES = 200
MAX_PARTS = 500  # of all messages together
MAX_CHARACTERS = 400_000  # of text and reasoning, together
URL_SCHEMES = ("data", "https")


class InvalidMessages(BadRequest):
    """What the client sent is not a chat: 400. The message names the place, and repeats nothing of what was sent."""


class Checked(list[T]):
    """Messages that were checked, by limits that may be others than the usual ones: they are not checked again.

    No JSON becomes one, and `checked + more` and `[*checked]` are plain lists, which are checked.
    """

    __slots__ = ()


class Count:
    """Counts one chat; its methods raise InvalidMessages. The arguments are those of validate_ui_messages."""

    __slots__ = ("_characters", "_max_characters", "_max_messages", "_max_parts", "_parts", "_schemes")

    def __init__(
        self,
        max_messages: int = MAX_MESSAGES,
        max_parts: int = MAX_PARTS,
        max_characters: int = MAX_CHARACTERS,
        url_schemes: Collection[str] = URL_SCHEMES,
    ) -> None:
        self._max_messages = max_messages
        self._max_parts = max_parts
        self._max_characters = max_characters
        self._schemes = tuple(f"{scheme}:" for scheme in url_schemes)
        self._parts = self._characters = 0

    def messages(self, value: Any) -> list[Any]:
        """The messages of a body, if there are some and not too many."""
        messages = unwrapped(value)
        if not messages:
            raise InvalidMessages("messages must not be empty")
        if len(messages) > self._max_messages:
            raise InvalidMessages(f"there are more than {self._max_messages} messages")
        return messages

    def parts(self, number: int) -> None:
        """Count the parts of a message, before they are looked at."""
        self._parts += number
        if self._parts > self._max_parts:
            raise InvalidMessages(f"there are more than {self._max_parts} parts")

    def text(self, text: str) -> None:
        self._characters += len(text)
        if self._characters > self._max_characters:
            raise InvalidMessages(f"the messages have more than {self._max_characters} characters")

    def url(self, url: str, place: str) -> None:
        """Refuse the address of a file that may not be fetched."""
        if not url.lower().startswith(self._schemes):
            raise InvalidMessages(f"{place} has a scheme that is not allowed")


def unwrapped(value: Any) -> list[Any]:
    """The list of messages of a body, or the list itself. Raises InvalidMessages."""
    if isinstance(value, dict):
        value = value.get("messages")
    if not isinstance(value, list):
        raise InvalidMessages("messages must be an array")
    return value
