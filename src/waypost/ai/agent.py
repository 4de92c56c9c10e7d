"""A run of a pydantic-ai model as chunks of a UI message stream.

Imported only where such a model is used: importing pydantic-ai takes seconds. Knows no response.
Source: pydantic-ai, Agent.run_stream_events.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_ai import Agent, AgentRunResultEvent, DeferredToolRequests
from pydantic_ai import Tool as AgentTool
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred, ModelRetry, ToolFailed
from pydantic_ai.messages import (
    FilePart,
    FunctionToolResultEvent,
    NativeToolCallPart,
    NativeToolReturnPart,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.messages import ModelMessage as History
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import ExternalToolset
from pydantic_ai.usage import UsageLimits

from waypost.ai.approvals import Approvals
from waypost.ai.chunks import Chunk, FinishReason
from waypost.ai.history import to_history
from waypost.ai.model_messages import ModelMessage
from waypost.ai.outcome import Outcome, Usage
from waypost.ai.tools import Tool

log = logging.getLogger("waypost.ai")

TOOL_FAILED = "The tool failed."
_REASONS: dict[str, FinishReason] = {
    "stop": "stop", "length": "length", "content_filter": "content-filter", "tool_call": "tool-calls", "error": "error",
}  # fmt: skip


async def agent_chunks(
    model: Any,
    system: str | None,
    messages: Sequence[ModelMessage] | Sequence[History],
    tools: Mapping[str, Tool],
    settings: Mapping[str, Any],
    max_steps: int,
    approvals: Approvals | None,
    outcome: Outcome,
) -> AsyncGenerator[Chunk, None]:
    """The chunks of all steps of a run. model: a name or a Model of pydantic-ai.

    Raises what the model raises; a tool that fails does not end the run: the model is told, and goes on.
    """
    decided = None
    history: list[Any] = list(messages)
    if not history or isinstance(history[0], dict):
        history, decided = to_history(history)
    agent = _agent(model, system, tools)
    translation = _Translation(outcome, approvals)
    async with agent.run_stream_events(
        message_history=history,
        deferred_tool_results=decided,
        model_settings=dict(settings) or None,  # type: ignore[arg-type]  # a TypedDict whose keys are checked there
        usage_limits=UsageLimits(request_limit=max_steps),
    ) as events:
        async for event in events:
            for chunk in translation.of(event):
                yield chunk
            if isinstance(event, AgentRunResultEvent):
                outcome.usage = Usage(events.usage.input_tokens, events.usage.output_tokens)


def _agent(model: Any, system: str | None, tools: Mapping[str, Tool]) -> Agent[None, Any]:
    own = [
        AgentTool(
            _guarded(item.execute), name=name, description=item.description, requires_approval=item.needs_approval
        )
        for name, item in tools.items()
        if item.execute is not None
    ]
    pages = [
        ToolDefinition(name=name, description=item.description, parameters_json_schema=dict(item.input_schema or {}))
        for name, item in tools.items()
        if item.execute is None
    ]
    # Calls that wait for the page end the run with these requests as its output.
    waits = pages or any(item.needs_approval for item in tools.values())
    return Agent(
        model,
        instructions=system,
        tools=own,
        toolsets=[ExternalToolset(pages)] if pages else None,
        output_type=[str, DeferredToolRequests] if waits else str,
    )


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; what it raises is logged, and the model is told that it failed and no more."""

    @functools.wraps(function)
    async def call(*arguments: Any, **named: Any) -> Any:
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*arguments, **named)
            return await _in_thread(function, *arguments, **named)
        except (ModelRetry, ToolFailed, ApprovalRequired, CallDeferred):
            raise
        except Exception as error:
            log.exception("the tool %s failed", getattr(function, "__name__", "?"))
            raise ToolFailed(TOOL_FAILED) from error

    return call


async def _in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    result = await asyncio.to_thread(function, *arguments, **named)
    return await result if inspect.isawaitable(result) else result


class _Translation:
    """Events of pydantic-ai, one after the other, as chunks."""

    def __init__(self, outcome: Outcome, approvals: Approvals | None) -> None:
        self._outcome = outcome
        self._approvals = approvals
        self._step = self._answered = False
        self._numbers = {"text": 0, "reasoning": 0}
        self._ids: dict[int, tuple[str, str]] = {}  # index of a part → kind, id

    def of(self, event: Any) -> Iterator[Chunk]:
        if isinstance(event, PartDeltaEvent):
            yield from self._delta(event)
        elif isinstance(event, PartStartEvent):
            yield from self._start(event)
        elif isinstance(event, PartEndEvent):
            yield from self._end(event)
        elif isinstance(event, FunctionToolResultEvent):
            self._answered = True
            yield _result(event.part)
        elif isinstance(event, AgentRunResultEvent):
            yield from self._result(event)

    def _start(self, event: PartStartEvent) -> Iterator[Chunk]:
        if self._step and self._answered:
            yield {"type": "finish-step"}
            self._step = False
        self._answered = False
        if not self._step:
            self._step = True
            self._ids.clear()
            yield {"type": "start-step"}
        part = event.part
        if isinstance(part, TextPart | ThinkingPart):
            kind = "text" if isinstance(part, TextPart) else "reasoning"
            self._numbers[kind] += 1
            id = f"{kind[0]}{self._numbers[kind]}"
            self._ids[event.index] = (kind, id)
            yield {"type": f"{kind}-start", "id": id}
            if part.content:
                yield {"type": f"{kind}-delta", "id": id, "delta": part.content}
        elif isinstance(part, FilePart):
            yield {"type": "file", "url": part.content.data_uri, "mediaType": part.content.media_type}
        elif isinstance(part, NativeToolReturnPart):
            yield {**_result(part), "providerExecuted": True}
        elif isinstance(part, ToolCallPart | NativeToolCallPart):
            self._ids[event.index] = ("tool", part.tool_call_id)
            yield {"type": "tool-input-start", **_call(part)}
            if isinstance(part.args, str) and part.args:
                yield {"type": "tool-input-delta", "toolCallId": part.tool_call_id, "inputTextDelta": part.args}

    def _delta(self, event: PartDeltaEvent) -> Iterator[Chunk]:
        delta = event.delta
        kind, id = self._ids.get(event.index, ("", ""))
        if isinstance(delta, TextPartDelta | ThinkingPartDelta):
            if delta.content_delta and kind in self._numbers:
                yield {"type": f"{kind}-delta", "id": id, "delta": delta.content_delta}
        elif isinstance(delta, ToolCallPartDelta) and kind == "tool" and isinstance(delta.args_delta, str):
            yield {"type": "tool-input-delta", "toolCallId": id, "inputTextDelta": delta.args_delta}

    def _end(self, event: PartEndEvent) -> Iterator[Chunk]:
        kind, id = self._ids.get(event.index, ("", ""))
        part = event.part
        if kind in self._numbers:
            yield {"type": f"{kind}-end", "id": id}
        elif kind == "tool" and isinstance(part, ToolCallPart | NativeToolCallPart):
            chunk = _call(part)
            try:
                # Before the tool runs: without this chunk a page never learns that a call is its own to make.
                yield {"type": "tool-input-available", **chunk, "input": part.args_as_dict(raise_if_invalid=True)}
            except (ValueError, AssertionError):
                error = "The input is not valid JSON."
                yield {"type": "tool-input-error", **chunk, "input": part.args_as_json_str(), "errorText": error}

    def _result(self, event: AgentRunResultEvent[Any]) -> Iterator[Chunk]:
        output = event.result.output
        reason = _REASONS.get(event.result.response.finish_reason or "stop", "other")
        if isinstance(output, DeferredToolRequests):
            reason = "tool-calls"
            for call in output.approvals:
                assert self._approvals is not None  # stream_text takes no such tool without
                id = self._approvals.id_of(call.tool_call_id, call.tool_name, call.args_as_dict())
                yield {"type": "tool-approval-request", "approvalId": id, "toolCallId": call.tool_call_id}
        self._outcome.finish_reason = reason
        if self._step:
            yield {"type": "finish-step"}


def _call(part: ToolCallPart | NativeToolCallPart) -> Chunk:
    call = {"toolCallId": part.tool_call_id, "toolName": part.tool_name}
    # A tool of the provider's own, as its search of the web: nobody here is to run it.
    return {**call, "providerExecuted": True} if isinstance(part, NativeToolCallPart) else call


def _result(part: Any) -> Chunk:
    if part.outcome == "success":
        return {"type": "tool-output-available", "toolCallId": part.tool_call_id, "output": part.content}
    if part.outcome == "denied":
        return {"type": "tool-output-denied", "toolCallId": part.tool_call_id}
    # Its content is for the model: what it says about the inside of the server is not for the page.
    return {"type": "tool-output-error", "toolCallId": part.tool_call_id, "errorText": TOOL_FAILED}
