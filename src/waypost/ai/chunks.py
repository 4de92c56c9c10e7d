"""The chunks of a UI message stream: which types there are, what they must carry, and how they look on the wire.

A chunk is a plain dict. A client fails the whole stream at a chunk of a type it does not know, so what is sent is
checked here, where the stack still shows who made it. Knows no model and no response.
Source: AI SDK 5 to 7, UI message stream protocol v1.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from waypost.http.json import encode_json

Chunk: TypeAlias = dict[str, Any]
SDKVersion: TypeAlias = Literal[5, 6, 7]
FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "error", "other"]

DONE = b"data: [DONE]\n\n"
HEADERS = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-vercel-ai-ui-message-stream", "v1"),
    ("x-accel-buffering", "no"),
)

_ID = ("id",)
_CALL = ("toolCallId",)
_NAMED_CALL = ("toolCallId", "toolName")
# Type → the fields that must be strings. All three versions of the client know these.
_SHARED: dict[str, tuple[str, ...]] = {
    "start": (),
    "finish": (),
    "abort": (),
    "error": ("errorText",),
    "message-metadata": (),
    "start-step": (),
    "finish-step": (),
    "text-start": _ID,
    "text-delta": ("id", "delta"),
    "text-end": _ID,
    "reasoning-start": _ID,
    "reasoning-delta": ("id", "delta"),
    "reasoning-end": _ID,
    "source-url": ("sourceId", "url"),
    "source-document": ("sourceId", "mediaType", "title"),
    "file": ("url", "mediaType"),
    "tool-input-start": _NAMED_CALL,
    "tool-input-delta": ("toolCallId", "inputTextDelta"),
    "tool-input-available": _NAMED_CALL,
    "tool-input-error": ("toolCallId", "toolName", "errorText"),
    "tool-output-available": _CALL,
    "tool-output-error": ("toolCallId", "errorText"),
}
_SINCE: dict[int, dict[str, tuple[str, ...]]] = {
    6: {"tool-approval-request": ("approvalId", "toolCallId"), "tool-output-denied": _CALL},
    7: {
        "custom": ("kind",),
        "reasoning-file": ("url", "mediaType"),
        "reset-step": (),
        "steering-message": _ID,
        "tool-approval-response": ("approvalId",),
    },
}
# These must carry a value, whatever it is: the client tells a missing one from null.
_VALUES = {
    "tool-input-available": "input",
    "tool-input-error": "input",
    "tool-output-available": "output",
    "message-metadata": "messageMetadata",
}


class ChunkChecker:
    """Checks the chunks of one stream, in their order.

    sdk_version: the oldest `ai` package that reads the stream: 5 sends what all know, 6 adds approvals, 7 the newest
    types. Raises ValueError for a chunk that its client would fail at.
    """

    __slots__ = ("_open", "_types", "_version")

    def __init__(self, sdk_version: SDKVersion = 6) -> None:
        if sdk_version not in (5, 6, 7):
            raise ValueError(f"sdk_version is 5, 6 or 7, not {sdk_version!r}")
        self._version = sdk_version
        self._types = dict(_SHARED)
        for version, types in _SINCE.items():
            if version <= sdk_version:
                self._types.update(types)
        self._open: set[tuple[str, str]] = set()

    def check(self, chunk: Chunk) -> None:
        """Raise ValueError unless the chunk may be sent now."""
        kind = chunk.get("type")
        if not isinstance(kind, str):
            raise ValueError("a chunk is a dict with a type")
        if kind.startswith("data-"):
            if "data" not in chunk:
                raise ValueError(f"a {kind} chunk needs data")
            return
        fields = self._types.get(kind)
        if fields is None:
            raise ValueError(f"{self._unknown(kind)}: a client would fail the whole stream")
        for name in fields:
            if not isinstance(chunk.get(name), str):
                raise ValueError(f"a {kind} chunk needs {name}, a str")
        if (value := _VALUES.get(kind)) is not None and value not in chunk:
            raise ValueError(f"a {kind} chunk needs {value}")
        if kind.startswith(("text-", "reasoning-")) and "id" in fields:
            self._follow(kind, chunk["id"])
        elif kind == "tool-input-start":
            self._open.add(("tool", chunk["toolCallId"]))
        elif kind == "tool-input-delta" and ("tool", chunk["toolCallId"]) not in self._open:
            raise ValueError("a tool-input-delta chunk needs a tool-input-start before it")
        elif kind == "finish-step":
            self._open = {item for item in self._open if item[0] == "tool"}

    def _follow(self, kind: str, id: str) -> None:
        part, _, event = kind.rpartition("-")
        if event == "start":
            self._open.add((part, id))
        elif (part, id) not in self._open:
            raise ValueError(f"a {kind} chunk needs a {part}-start with its id before it, in the same step")
        elif event == "end":
            self._open.discard((part, id))

    def _unknown(self, kind: str) -> str:
        for version, types in _SINCE.items():
            if kind in types:
                return f"{kind!r} is known from version {version} of the AI SDK on, and sdk_version is {self._version}"
        return f"{kind!r} is no type of a chunk"


def frame(chunk: Chunk) -> bytes:
    """A chunk as it is sent. Raises InvalidResponseError for what JSON can't hold."""
    return b"data: " + encode_json(chunk) + b"\n\n"
