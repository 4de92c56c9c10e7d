"""Proof that a tool call which a page allows is one that the model asked for.

The history of a chat lies with the page, so anyone can write a call of their own into it and allow it. The id of an
approval request therefore carries a MAC over the call; a call without a valid one never runs. Knows no model.
Source: RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from waypost.ai.limits import InvalidMessages
from waypost.ai.model_messages import ModelMessage
from waypost.ai.ui_messages import Part

MIN_SECRET = 16  # characters


class Approvals:
    """Makes and checks the ids of approval requests. secret: the same in every process that serves the chat."""

    __slots__ = ("_key",)

    def __init__(self, secret: str | bytes) -> None:
        key = secret.encode() if isinstance(secret, str) else secret
        if len(key) < MIN_SECRET:
            raise ValueError(f"approval_secret has fewer than {MIN_SECRET} characters")
        self._key = key

    def id_of(self, call_id: str, tool: str, input: Any) -> str:
        """The id of the request to allow this call."""
        call = json.dumps([call_id, tool, _normal(input)], sort_keys=True, separators=(",", ":"))
        return hmac.digest(self._key, call.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()

    def valid(self, id: str, call_id: str, tool: str, input: Any) -> bool:
        """Whether this id is that of this call."""
        return hmac.compare_digest(id.encode("utf-8", "replace"), self.id_of(call_id, tool, input).encode())


def check_approvals(messages: Sequence[ModelMessage], approvals: Approvals | None) -> None:
    """Raise InvalidMessages unless what the last answer's tools wait for was allowed, or refused, by one who was asked.

    Answers before the last one are not looked at: nothing of them runs.
    """
    if not messages or messages[-1]["role"] != "tool":
        return
    said = messages[-2]["content"] if len(messages) > 1 and messages[-2]["role"] == "assistant" else []
    asked = [part for part in said if isinstance(part, dict) and part["type"] == "tool-call"]
    calls = {part["toolCallId"]: part for part in asked}
    answers = {part["toolCallId"]: part for part in messages[-1]["content"]}
    if len(calls) != len(asked) or len(answers) != len(messages[-1]["content"]):
        raise InvalidMessages("two tool calls of the last answer have the same id")  # one approval would allow both
    for id, part in answers.items():
        if id not in calls:
            raise InvalidMessages("a tool result has no call")
        if part["type"] == "tool-approval-response" and not _allowed(part, calls[id], approvals):
            raise InvalidMessages("an approval is not that of its tool call")


def _allowed(part: Part, call: Part, approvals: Approvals | None) -> bool:
    try:
        return approvals is not None and approvals.valid(
            part["approvalId"], part["toolCallId"], call["toolName"], call.get("input")
        )
    except RecursionError:  # JSON is read to a depth at which this is none of ours any more
        return False


def _normal(value: Any) -> Any:
    """value as it is after a way through JavaScript, which has one kind of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _normal(item) for name, item in value.items()}
    return [_normal(item) for item in value] if isinstance(value, list) else value
