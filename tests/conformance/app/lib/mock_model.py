"""A language model that says what it was told; no provider, no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from waypost.ai import ModelMessage, Usage


def mock_model(kind: str) -> Any:
    """kind: plain, fail, midfail, reasoning, slow, or tool, which only a model of pydantic-ai can be."""
    return tool_model() if kind == "tool" else plain_model(kind)


def plain_model(kind: str) -> Callable[[list[ModelMessage]], AsyncIterator[Any]]:
    async def respond(messages: list[ModelMessage]) -> AsyncIterator[Any]:
        if kind == "fail":
            raise RuntimeError("provider down: secret detail")
        if kind == "reasoning":
            yield {"type": "reasoning-start", "id": "r1"}
            yield {"type": "reasoning-delta", "id": "r1", "delta": "thinking"}
            yield {"type": "reasoning-end", "id": "r1"}
        content = messages[-1]["content"]
        said = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        for word in ("You", " said:", " ", said):
            yield word
            if kind == "slow":
                await asyncio.sleep(0.15)
        if kind == "midfail":
            raise RuntimeError("mid secret")
        yield Usage(input_tokens=10, output_tokens=3)

    return respond


def tool_model() -> Any:
    from pydantic_ai.messages import ModelRequest, ToolReturnPart
    from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        last = messages[-1]
        if isinstance(last, ModelRequest) and any(isinstance(part, ToolReturnPart) for part in last.parts):
            for word in ("You", " said:", " "):
                yield word
        else:
            yield {0: DeltaToolCall(name="add", json_args='{"a":1,', tool_call_id="call-1")}
            yield {0: DeltaToolCall(json_args='"b":2}')}

    return FunctionModel(stream_function=respond, model_name="mock-1")
