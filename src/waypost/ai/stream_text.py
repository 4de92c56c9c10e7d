"""stream_text: a model's answer as it comes, for a page, for another program, or for the code that asked.

The model is a name or an object of pydantic-ai, which is imported when the first such model runs, or a piece of
Python that gives text. Nothing runs before somebody reads, and whoever stops reading stops the model.
Source: AI SDK 5 to 7, streamText.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from waypost.ai.approvals import Approvals, check_approvals
from waypost.ai.chunks import Chunk, FinishReason, SDKVersion
from waypost.ai.limits import InvalidMessages
from waypost.ai.model_messages import convert_to_model_messages
from waypost.ai.outcome import Outcome, Usage
from waypost.ai.plain_model import plain_chunks
from waypost.ai.tools import Tools, as_tools
from waypost.ai.ui_messages import MakeId, UIMessage
from waypost.ai.ui_stream import (
    HEARTBEAT,
    OnError,
    UIMessageStream,
    call_finish,
    finishing,
    message_id,
)
from waypost.ai.ui_stream import OnFinish as OnUIFinish
from waypost.http.headers import Headers, HeadersInit
from waypost.http.response import Response

if TYPE_CHECKING:
    from waypost.ai.resume import ResumableStreams

_AGENT = "waypost.ai.agent"
_NONE: Any = object()  # None is what a client may have sent


@dataclass(frozen=True, slots=True)
class TextFinished:
    """What on_finish of stream_text is given: the whole text, tokens, how it ended, and whether the reader left."""

    text: str
    usage: Usage
    finish_reason: FinishReason
    is_aborted: bool


@dataclass(frozen=True, slots=True)
class MetadataPart:
    """What message_metadata is asked about: the start of a message, or its finish with all that is known then."""

    type: Literal["start", "finish"]
    total_usage: Usage
    finish_reason: FinishReason | None = None


class StreamText:
    """An answer that is being made; `stream_text` gives one. It can be read once, in one of its ways."""

    def __init__(
        self,
        run: Callable[[Outcome], AsyncGenerator[Chunk, None]],
        on_finish: Callable[[TextFinished], object] | None,
    ) -> None:
        self._run = run
        self._on_finish = on_finish
        self._taken = False
        self._outcome = Outcome()

    # -- what is known at the end

    @property
    def usage(self) -> Usage:
        """Tokens of all steps; complete once the answer is read."""
        return self._outcome.usage

    @property
    def finish_reason(self) -> FinishReason:
        return self._outcome.finish_reason

    # -- reading it

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece. What the model raises is raised here."""
        chunks = self._chunks()
        try:
            async for chunk in chunks:
                if chunk["type"] == "text-delta":
                    yield chunk["delta"]
        finally:
            await chunks.aclose()

    async def text(self) -> str:
        """The whole text."""
        return "".join([piece async for piece in self])

    def to_text_stream_response(self, *, status: int = 200, headers: HeadersInit = None) -> Response:
        """The text alone, as it comes. A failing model cuts the response off."""
        fields = Headers(headers)
        if not fields.has("content-type"):
            fields.set("content-type", "text/plain; charset=utf-8")
        return Response(aiter(self), status, fields)

    def to_ui_message_stream(
        self,
        *,
        original_messages: list[UIMessage] | None = None,
        generate_message_id: MakeId | None = None,
        message_metadata: Callable[[MetadataPart], Any] | None = None,
        send_reasoning: bool = True,
        on_error: OnError | None = None,
        on_finish: OnUIFinish | None = None,
        sdk_version: SDKVersion = 6,
    ) -> UIMessageStream:
        """The chunks that `useChat` reads.

        original_messages, generate_message_id, on_error, on_finish, sdk_version: as for create_ui_message_stream.
        message_metadata: called with a MetadataPart at start and finish; what it gives, unless None, goes to the page.
        send_reasoning: whether the page gets what a model thinks before it answers.
        """
        id = message_id(original_messages, generate_message_id)
        chunks = self._ui_chunks(id, message_metadata, send_reasoning)
        if on_finish is not None:
            chunks = finishing(chunks, on_finish, original_messages)
        return UIMessageStream(chunks, on_error=on_error, sdk_version=sdk_version)

    def to_ui_message_stream_response(
        self,
        *,
        status: int = 200,
        headers: HeadersInit = None,
        heartbeat: float | None = HEARTBEAT,
        original_messages: list[UIMessage] | None = None,
        generate_message_id: MakeId | None = None,
        message_metadata: Callable[[MetadataPart], Any] | None = None,
        send_reasoning: bool = True,
        on_error: OnError | None = None,
        on_finish: OnUIFinish | None = None,
        sdk_version: SDKVersion = 6,
        resume: ResumableStreams | None = None,
        chat_id: Any = None,
    ) -> Response:
        """The response that `useChat` reads; see to_ui_message_stream and UIMessageStream.to_response."""
        stream = self.to_ui_message_stream(
            original_messages=original_messages,
            generate_message_id=generate_message_id,
            message_metadata=message_metadata,
            send_reasoning=send_reasoning,
            on_error=on_error,
            on_finish=on_finish,
            sdk_version=sdk_version,
        )
        return stream.to_response(status=status, headers=headers, heartbeat=heartbeat, resume=resume, chat_id=chat_id)

    async def _ui_chunks(
        self, id: str | None, metadata: Callable[[MetadataPart], Any] | None, reasoning: bool
    ) -> AsyncGenerator[Chunk, None]:
        outcome = self._outcome
        start: Chunk = {"type": "start"} if id is None else {"type": "start", "messageId": id}
        yield _with_metadata(start, metadata, MetadataPart("start", outcome.usage))
        chunks = self._chunks()
        try:
            async for chunk in chunks:
                if reasoning or not chunk["type"].startswith("reasoning-"):
                    yield chunk
        finally:
            await chunks.aclose()
        finish: Chunk = {"type": "finish", "finishReason": outcome.finish_reason}
        yield _with_metadata(finish, metadata, MetadataPart("finish", outcome.usage, outcome.finish_reason))

    async def _chunks(self) -> AsyncGenerator[Chunk, None]:
        """The model's chunks, once; on_finish is called however they end."""
        if self._taken:
            raise RuntimeError("this answer was already read: ask the model again with stream_text(...)")
        self._taken = True
        outcome = self._outcome
        chunks = self._run(outcome)
        ended = False
        try:
            async for chunk in chunks:
                if chunk["type"] == "text-delta":
                    outcome.text.append(chunk["delta"])
                yield chunk
            ended = True
        except Exception:
            ended = True
            outcome.finish_reason = "error"
            raise
        finally:
            await chunks.aclose()
            if self._on_finish is not None:
                text = "".join(outcome.text)
                event = TextFinished(text, outcome.usage, outcome.finish_reason, is_aborted=not ended)
                await call_finish(self._on_finish, event)


def stream_text(
    *,
    model: Any,
    messages: Any = _NONE,
    prompt: str | None = None,
    system: str | None = None,
    tools: Tools = None,
    max_steps: int = 10,
    settings: Mapping[str, Any] | None = None,
    approval_secret: str | bytes | None = None,
    on_finish: Callable[[TextFinished], object] | None = None,
) -> StreamText:
    """Ask a model; the answer is streamed.

    model: a name (`"openai:gpt-4o"`, `openai("gpt-4o")`), a pydantic-ai Model, an async or plain iterable of text, or
    a function that is called with the messages, the system prompt first, and gives one.
    messages: the JSON body that a page posts, the messages in it, or model messages, all checked as
    convert_to_model_messages does it; system messages among them are dropped. prompt: a single question in their
    place. tools: by name, functions or `tool(...)`.
    max_steps: how often the model is asked at most, tool results included. settings: of pydantic-ai's ModelSettings
    (`{"temperature": 0, "max_tokens": 500}`). approval_secret: at least 16 characters, needed by tools with
    needs_approval. on_finish: called with a TextFinished.
    Raises InvalidMessages (400) for messages that are none, TypeError for arguments that don't go together.
    """
    if (messages is _NONE) == (prompt is None):
        raise TypeError("stream_text takes either messages or prompt")
    known = as_tools(tools)
    if approval_secret is None and any(item.needs_approval for item in known.values()):
        raise TypeError(
            "a tool with needs_approval needs approval_secret: anyone could allow calls of their own without"
        )
    plain = _is_plain(model)
    if plain and known:
        raise TypeError("a model made of plain text calls no tools")
    asked = [{"role": "user", "content": prompt}] if prompt is not None else _asked(messages)
    approvals = None if approval_secret is None else Approvals(approval_secret)
    if isinstance(asked[0], dict):
        check_approvals(asked, approvals)
    if plain:
        return StreamText(lambda outcome: plain_chunks(model, system, asked, outcome), on_finish)
    if "pydantic_ai" not in sys.modules and importlib.util.find_spec("pydantic_ai") is None:
        raise RuntimeError("models of providers need pydantic-ai: pip install waypost[ai]")

    async def run(outcome: Outcome) -> AsyncGenerator[Chunk, None]:
        # Importing pydantic-ai takes seconds: in a thread the other requests go on.
        agent: Any = sys.modules.get(_AGENT)
        if not hasattr(agent, "agent_chunks"):  # missing, or being imported by another thread
            agent = await asyncio.to_thread(importlib.import_module, _AGENT)
        chunks = agent.agent_chunks(model, system, asked, known, settings or {}, max_steps, approvals, outcome)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await chunks.aclose()

    return StreamText(run, on_finish)


def _asked(messages: Any) -> list[Any]:
    """Model messages, or messages of pydantic-ai as they are, which no client can send."""
    if isinstance(messages, list) and messages and all(_is_of_pydantic_ai(item) for item in messages):
        return messages
    asked = convert_to_model_messages(messages)
    if not asked:
        raise InvalidMessages("messages must have one of a user")
    return asked


def _is_of_pydantic_ai(value: object) -> bool:
    return any(kind.__module__.startswith("pydantic_ai.") for kind in type(value).__mro__)


def _is_plain(model: Any) -> bool:
    if isinstance(model, str) or _is_of_pydantic_ai(model):
        return False
    if callable(model) or hasattr(model, "__aiter__") or hasattr(model, "__iter__"):
        return True
    raise TypeError(f"{type(model).__name__} is no model: give a name, a pydantic-ai Model, or an iterable of text")


def _with_metadata(chunk: Chunk, metadata: Callable[[MetadataPart], Any] | None, part: MetadataPart) -> Chunk:
    value = None if metadata is None else metadata(part)
    return chunk if value is None else {**chunk, "messageMetadata": value}
