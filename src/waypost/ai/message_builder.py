"""Chunks → the message that a page makes of them, so that a server can store what the page shows.

Knows no stream. What it makes is what `readUIMessageStream` of the AI SDK makes, and `validate_ui_messages` takes it.
"""

from __future__ import annotations

import copy

from waypost.ai.chunks import Chunk
from waypost.ai.ui_messages import Part, UIMessage, tool_name


class MessageBuilder:
    """Folds chunks into a UIMessage. message: the one that is continued, which stays as it is."""

    def __init__(self, message: UIMessage | None = None) -> None:
        self.message: UIMessage = (
            {"id": "", "role": "assistant", "parts": []} if message is None else copy.deepcopy(message)
        )
        self.finish_reason: str | None = None
        self._open: dict[tuple[str, str], Part] = {}

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk."""
        kind: str = chunk["type"]
        if kind in ("start", "finish", "message-metadata"):
            self._about_message(chunk)
        elif kind == "start-step":
            self._part({"type": "step-start"})
        elif kind == "finish-step":
            self._open.clear()
        elif kind == "reset-step":
            self._reset_step()
        elif kind.startswith(("text-", "reasoning-")) and "id" in chunk:
            part, _, event = kind.rpartition("-")
            self._text(part, event, chunk)
        elif kind.startswith("tool-"):
            self._tool(kind, chunk)
        elif kind.startswith("data-"):
            self._data(chunk)
        elif kind in ("source-url", "source-document", "file", "custom", "reasoning-file"):
            self._part(dict(chunk))

    def _part(self, part: Part) -> Part:
        self.message["parts"].append(part)
        return part

    def _reset_step(self) -> None:
        self._open.clear()
        parts = self.message["parts"]
        while parts and parts[-1]["type"] != "step-start":
            parts.pop()

    def _about_message(self, chunk: Chunk) -> None:
        if isinstance(chunk.get("messageId"), str):
            self.message["id"] = chunk["messageId"]
        metadata = chunk.get("messageMetadata")
        if metadata is not None:
            old = self.message.get("metadata")
            if isinstance(metadata, dict) and isinstance(old, dict):
                metadata = {**old, **metadata}
            self.message["metadata"] = metadata
        if chunk["type"] == "finish":
            self.finish_reason = chunk.get("finishReason")

    def _text(self, kind: str, event: str, chunk: Chunk) -> None:
        key = (kind, chunk["id"])
        if event == "start":
            self._open[key] = self._part({"type": kind, "text": "", "state": "streaming"})
        part = self._open[key]
        if "providerMetadata" in chunk:
            part["providerMetadata"] = chunk["providerMetadata"]
        if event == "delta":
            part["text"] += chunk["delta"]
        elif event == "end":
            part["state"] = "done"
            del self._open[key]

    def _tool(self, kind: str, chunk: Chunk) -> None:
        call: str = chunk["toolCallId"]
        part = self._call(call)
        if part is None:
            name = chunk.get("toolName")
            if not isinstance(name, str):
                return  # about a call of another message
            named = {"type": "dynamic-tool", "toolName": name} if chunk.get("dynamic") else {"type": f"tool-{name}"}
            part = self._part({**named, "toolCallId": call, "state": "input-streaming"})
        if chunk.get("providerExecuted") is True:
            part["providerExecuted"] = True
        match kind:
            case "tool-input-available":
                part.update(state="input-available", input=chunk["input"])
            case "tool-input-error":
                part.update(state="output-error", input=chunk["input"], errorText=chunk["errorText"])
            case "tool-approval-request":
                part.update(state="approval-requested", approval={"id": chunk["approvalId"]})
            case "tool-output-available":
                part.update(state="output-available", output=chunk["output"])
            case "tool-output-error":
                part.update(state="output-error", errorText=chunk["errorText"])
            case "tool-output-denied":
                part["state"] = "output-denied"

    def _call(self, call: str) -> Part | None:
        for part in reversed(self.message["parts"]):
            if tool_name(part) is not None and part["toolCallId"] == call:
                return part
        return None

    def _data(self, chunk: Chunk) -> None:
        if chunk.get("transient"):
            return
        if "id" in chunk:
            for part in self.message["parts"]:
                if part["type"] == chunk["type"] and part.get("id") == chunk["id"]:
                    part["data"] = chunk["data"]
                    return
        self._part(dict(chunk))
