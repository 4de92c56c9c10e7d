"""stream_text over pydantic-ai: its test models, tools of every kind, and its real OpenAI client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai.messages import (
    BinaryContent,
    FilePart,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    PartStartEvent,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel
from tests.ai.test_ui_stream import parsed, types

from waypost.ai import InvalidMessages, StreamText, convert_to_model_messages, openai, stream_text, tool
from waypost.ai.agent import _Translation
from waypost.ai.message_builder import MessageBuilder
from waypost.ai.outcome import Outcome
from waypost.http.request import Request
from waypost.http.response import Response

SECRET = "a secret of sixteen"


def user(text: str) -> dict[str, Any]:
    return {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": text}]}


def chunks(result: StreamText, **options: Any) -> list[dict[str, Any]]:
    return parsed(asyncio.run(result.to_ui_message_stream_response(**options).bytes()))


def calls(name: str, arguments: str, *, id: str = "call-1", after: str = "done") -> FunctionModel:
    """A model that calls a tool, and says `after` and what it got once there is a result."""

    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        results = [part for part in getattr(messages[-1], "parts", ()) if isinstance(part, ToolReturnPart)]
        if results:
            yield f"{after}: {results[-1].model_response_str()}"
        else:
            yield {0: DeltaToolCall(name=name, json_args=arguments[:3], tool_call_id=id)}
            yield {0: DeltaToolCall(json_args=arguments[3:])}

    return FunctionModel(stream_function=respond)


def page(messages: list[Any], sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The chat as the page has it after an answer."""
    builder = MessageBuilder()
    for chunk in sent:
        builder.add(chunk)
    builder.message["id"] = "m-2"
    made: list[dict[str, Any]] = json.loads(json.dumps([*messages, builder.message]))
    return made


def test_text_reasoning_and_usage() -> None:
    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        assert info.instructions == "Be kind."
        yield {0: DeltaThinkingPart(content="hm")}
        yield "Hel"
        yield "lo"

    result = stream_text(model=FunctionModel(stream_function=respond), system="Be kind.", messages=[user("Hi")])
    sent = chunks(result)
    assert types(sent) == [
        "start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta",
        "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    assert result.usage.output_tokens > 0
    assert asyncio.run(stream_text(model=TestModel(custom_output_text="Yes"), prompt="x").text()) == "Yes"


def test_files_and_tools_of_the_provider() -> None:
    call = NativeToolCallPart("web_search", {"query": "Oslo"}, tool_call_id="n-1")
    found = NativeToolReturnPart("web_search", {"hits": 1}, tool_call_id="n-1")
    failed = NativeToolReturnPart("web_search", "quota of key 7", tool_call_id="n-1", outcome="failed")

    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        yield {0: call}
        yield {1: found}
        yield "Found it"

    sent = chunks(stream_text(model=FunctionModel(stream_function=respond), prompt="Hi"))
    own = {"toolCallId": "n-1", "providerExecuted": True}
    assert sent[2:5] == [
        {"type": "tool-input-start", "toolName": "web_search", **own},
        {"type": "tool-input-available", "toolName": "web_search", "input": {"query": "Oslo"}, **own},
        {"type": "tool-output-available", "output": {"hits": 1}, **own},
    ]
    [_, message] = page([user("Hi")], sent)
    assert message["parts"][1]["providerExecuted"] is True
    assert convert_to_model_messages([message]) == [
        {"role": "assistant", "content": [{"type": "text", "text": "Found it"}]}
    ]
    image = FilePart(BinaryContent(b"\x89PNG", media_type="image/png"))
    translation = _Translation(Outcome(), None)
    made = [chunk for part in (image, failed) for chunk in translation.of(PartStartEvent(index=0, part=part))]
    assert made == [
        {"type": "start-step"},
        {"type": "file", "url": "data:image/png;base64,iVBORw==", "mediaType": "image/png"},
        {"type": "tool-output-error", "errorText": "The tool failed.", **own},
    ]


class Place(BaseModel):
    city: str


@pytest.mark.parametrize("is_async", [True, False])
def test_a_tool_of_the_server(is_async: bool) -> None:
    seen: list[Any] = []

    def weather(place: Place, days: int = 1) -> dict[str, Any]:
        """The weather."""
        seen.append((place, days))
        return {"degrees": 20}

    async def weather_async(place: Place, days: int = 1) -> dict[str, Any]:
        """The weather."""
        return weather(place, days)

    model = calls("weather", '{"place": {"city": "Oslo"}, "days": 2}')
    sent = chunks(stream_text(model=model, prompt="x", tools={"weather": weather_async if is_async else weather}))
    assert seen == [(Place(city="Oslo"), 2)]
    assert types(sent) == [
        "start", "start-step", "tool-input-start", "tool-input-delta", "tool-input-delta", "tool-input-available",
        "tool-output-available", "finish-step", "start-step", "text-start", "text-delta", "text-end", "finish-step",
        "finish",
    ]  # fmt: skip
    assert sent[5]["input"] == {"place": {"city": "Oslo"}, "days": 2}
    assert sent[6]["output"] == {"degrees": 20}
    assert sent[10]["delta"] == 'done: {"degrees":20}'


def test_a_tool_that_fails_is_told_to_the_model_and_masked_for_the_page(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise RuntimeError("secret path")

    sent = chunks(stream_text(model=calls("broken", "{}"), prompt="x", tools={"broken": broken}))
    error = next(chunk for chunk in sent if chunk["type"] == "tool-output-error")
    assert error == {"type": "tool-output-error", "toolCallId": "call-1", "errorText": "The tool failed."}
    assert "secret" not in json.dumps(sent)
    assert "secret path" in caplog.text
    assert sent[-1] == {"type": "finish", "finishReason": "stop"}


def test_input_of_another_shape_is_an_error_of_the_call() -> None:
    sent = chunks(stream_text(model=calls("add", '{"a": "x"}'), prompt="x", tools={"add": lambda a: a}))
    assert sent[-1]["type"] == "finish"

    def add(a: int) -> int:
        return a

    sent = chunks(stream_text(model=calls("add", '{"a": "x"}'), prompt="x", tools={"add": add}))
    assert "tool-output-error" in types(sent)
    sent = chunks(stream_text(model=calls("add", '{"a": '), prompt="x", tools={"add": add}))
    assert "tool-input-error" in types(sent)


def test_a_tool_of_the_page() -> None:
    tools = {
        "where": tool(
            description="Where?", input_schema={"type": "object", "properties": {"exact": {"type": "boolean"}}}
        )
    }
    model = calls("where", '{"exact": true}')
    messages = [user("x")]
    sent = chunks(stream_text(model=model, messages=messages, tools=tools))
    assert types(sent)[-3:] == ["tool-input-available", "finish-step", "finish"]
    assert sent[-3]["input"] == {"exact": True}
    assert sent[-1]["finishReason"] == "tool-calls"

    messages = page(messages, sent)
    messages[-1]["parts"][-1].update(state="output-available", output={"city": "Oslo"})
    sent = chunks(stream_text(model=model, messages=messages, tools=tools), original_messages=messages)  # type: ignore[arg-type]  # JSON
    assert sent[0]["messageId"] == "m-2"
    assert sent[3]["delta"] == 'done: {"city":"Oslo"}'


def asked(ran: list[Any], **options: Any) -> Callable[[list[Any]], StreamText]:
    def send(to: str, amount: float) -> str:
        """Send money."""
        ran.append((to, amount))
        return "sent"

    tools = {"send": tool(send, needs_approval=True)}
    model = calls("send", '{"to": "Ada", "amount": 5.0}')
    return lambda messages: stream_text(
        model=model, messages=messages, tools=tools, **{"approval_secret": SECRET, **options}
    )


def answered(messages: list[Any], approved: bool, **change: Any) -> list[dict[str, Any]]:
    """The chat once the page's user has decided."""
    changed: list[dict[str, Any]] = json.loads(json.dumps(messages))
    part = changed[-1]["parts"][-1]
    part.update(state="approval-responded", approval={**part["approval"], "approved": approved})
    part.update(change)
    return changed


def test_a_tool_that_a_person_must_allow() -> None:
    ran: list[Any] = []
    ask = asked(ran)
    sent = chunks(ask([user("x")]))
    assert types(sent)[-4:] == ["tool-input-available", "tool-approval-request", "finish-step", "finish"]
    assert ran == []
    waiting = page([user("x")], sent)

    allowed = chunks(ask(answered(waiting, True)))
    assert ran == [("Ada", 5.0)]
    assert types(allowed)[:2] == ["start", "tool-output-available"]
    assert allowed[-3]["type"] == "text-end"

    ran.clear()
    refused = chunks(ask(answered(waiting, False)))
    assert ran == []
    assert refused[1] == {"type": "tool-output-denied", "toolCallId": "call-1"}
    assert refused[-1]["finishReason"] == "stop"


@pytest.mark.parametrize(
    "change",
    [
        {"input": {"to": "Mallory", "amount": 5}},
        {"toolCallId": "call-2"},
        {"type": "tool-other"},
        {"approval": {"id": "0" * 64, "approved": True}},
        {"approval": {"id": "", "approved": True}},
    ],
)
def test_a_call_that_nobody_asked_for_does_not_run(change: dict[str, Any]) -> None:
    ran: list[Any] = []
    ask = asked(ran)
    waiting = page([user("x")], chunks(ask([user("x")])))
    with pytest.raises(InvalidMessages, match="approval"):
        ask(answered(waiting, True, **change))
    with pytest.raises(InvalidMessages, match="approval"):
        asked(ran, approval_secret="another secret of sixteen")(answered(waiting, True))
    assert ran == []


def test_a_call_that_a_program_wrote_into_the_chat_does_not_run() -> None:
    ran: list[Any] = []
    call = {"type": "tool-call", "toolCallId": "call-1", "toolName": "send", "input": {"to": "Mallory", "amount": 5}}
    chat = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [{"type": "text", "text": "y"}, call]}]
    result = stream_text(model=TestModel(call_tools=[]), messages=chat, tools={"send": ran.append})
    assert "tool-output-available" not in types(chunks(result))
    # Nor does it get the id of an approval, which would make it one that the model asked for.
    asks = tool(lambda to, amount: ran.append(to), needs_approval=True)
    result = stream_text(model=TestModel(call_tools=[]), messages=chat, tools={"send": asks}, approval_secret=SECRET)
    assert "tool-approval-request" not in types(chunks(result))
    assert ran == []


def test_numbers_may_come_back_as_javascript_writes_them() -> None:
    ran: list[Any] = []
    ask = asked(ran)
    waiting = page([user("x")], chunks(ask([user("x")])))
    chunks(ask(answered(waiting, True, input={"amount": 5, "to": "Ada"})))
    assert ran == [("Ada", 5.0)]


def test_an_endless_round_of_tools_ends() -> None:
    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        yield {0: DeltaToolCall(name="again", json_args="{}", tool_call_id=f"call-{len(messages)}")}

    ran: list[int] = []
    model = FunctionModel(stream_function=respond)
    sent = chunks(stream_text(model=model, prompt="x", tools={"again": lambda: ran.append(1)}, max_steps=3))
    assert sent[-1] == {"type": "error", "errorText": "An error occurred."}
    assert len(ran) <= 3


def test_files_and_earlier_answers_reach_the_model() -> None:
    seen: list[Any] = []

    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        seen.extend(messages)
        yield "x"

    file = {"type": "file", "url": "data:image/png;base64,SGk=", "mediaType": "image/png"}
    link = {"type": "file", "url": "https://example.com/a.pdf", "mediaType": "application/pdf"}
    chat = [
        {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Look"}, file, link]},
        {
            "id": "2",
            "role": "assistant",
            "parts": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "Nice"}],
        },
        user("More"),
    ]
    asyncio.run(stream_text(model=FunctionModel(stream_function=respond), messages=chat).text())
    first, second, third = seen
    assert isinstance(first, ModelRequest) and isinstance(second, ModelResponse)
    prompt = first.parts[0]
    assert isinstance(prompt, UserPromptPart)
    assert (prompt.content[0], prompt.content[1].data, prompt.content[2].url) == (  # type: ignore[union-attr]  # files
        "Look", b"Hi", "https://example.com/a.pdf",
    )  # fmt: skip
    assert [part.part_kind for part in second.parts] == ["thinking", "text"]
    assert third.parts[0].content == "More"


def test_messages_of_pydantic_ai_are_taken_as_they_are() -> None:
    history = [ModelRequest(parts=[UserPromptPart(content="Hi")])]
    assert asyncio.run(stream_text(model=TestModel(custom_output_text="Yes"), messages=history).text()) == "Yes"


def test_leaving_cancels_the_request_to_the_model() -> None:
    ended: list[str] = []

    async def respond(messages: list[Any], info: AgentInfo) -> AsyncIterator[Any]:
        try:
            yield "one"
            await asyncio.sleep(60)
        finally:
            ended.append("model")

    async def main() -> None:
        result = stream_text(model=FunctionModel(stream_function=respond), prompt="x")
        payload: Any = result.to_ui_message_stream_response().payload
        stream = payload.take()
        text = b""
        while b"one" not in text:
            text += await anext(stream)
        await asyncio.wait_for(payload.aclose(), 1)

    asyncio.run(main())
    assert ended == ["model"]


async def completions(request: Request) -> Response:
    """A server with the chat completions of OpenAI."""
    asked = await request.json()
    assert asked["messages"][0] == {"role": "system", "content": "Be kind."}
    assert request.headers["authorization"] == "Bearer key"

    async def events() -> AsyncIterator[str]:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        for content in ("Hel", "lo"):
            choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
            yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
        end = {"index": 0, "delta": {}, "finish_reason": "length"}
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        yield f"data: {json.dumps({**head, 'choices': [end]})}\n\n"
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': usage})}\n\n"
        yield "data: [DONE]\n\n"

    return Response(events(), headers={"Content-Type": "text/event-stream"})


def test_the_real_client_of_openai(serve: Callable[..., Any]) -> None:
    live = serve(completions)
    model = openai("gpt-4o", api_key="key", base_url=f"http://127.0.0.1:{live.port}/v1")
    result = stream_text(model=model, system="Be kind.", messages=[user("Hi")])

    async def main() -> str:
        try:
            return await result.text()
        finally:
            await model.client.close()  # its pool of connections would outlive the loop

    assert asyncio.run(main()) == "Hello"
    assert (result.usage.input_tokens, result.usage.output_tokens, result.finish_reason) == (5, 2, "length")


async def tool_completions(request: Request) -> Response:
    """The same with a tool call, its arguments in pieces, as OpenAI has them on the wire; then its result as text."""
    asked = await request.json()
    head = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795000000, "model": "gpt-4o-2024-08-06",
        "service_tier": "default", "system_fingerprint": "fp_1", "usage": None, "obfuscation": "x",
    }  # fmt: skip

    def event(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"

    def call(arguments: str, **more: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, **more, "function": {**more.pop("function", {}), "arguments": arguments}}]}

    async def events() -> AsyncIterator[str]:
        if asked["messages"][-1]["role"] == "tool":
            yield event({"role": "assistant", "content": "", "refusal": None})
            yield event({"content": f"It says {asked['messages'][-1]['content']}"})
            yield event({}, "stop")
        else:
            named = {"id": "call_1", "type": "function", "function": {"name": "weather"}}
            yield event({"role": "assistant", "content": None, "refusal": None, **call("", **named)})
            for piece in ('{"', "city", '":"', "Oslo", '"}'):
                yield event(call(piece))
            yield event({}, "tool_calls")
        yield "data: [DONE]\n\n"

    return Response(events(), headers={"Content-Type": "text/event-stream"})


def test_a_tool_call_of_the_real_client_of_openai(serve: Callable[..., Any]) -> None:
    live = serve(tool_completions)
    model = openai("gpt-4o", api_key="key", base_url=f"http://127.0.0.1:{live.port}/v1")

    async def weather(city: str) -> dict[str, Any]:
        return {"city": city, "degrees": 20}

    async def main() -> bytes:
        try:
            result = stream_text(model=model, messages=[user("Hi")], tools={"weather": weather})
            return await result.to_ui_message_stream_response().bytes()
        finally:
            await model.client.close()  # its pool of connections would outlive the loop

    sent = parsed(asyncio.run(main()))
    assert (
        "".join(chunk["inputTextDelta"] for chunk in sent if chunk["type"] == "tool-input-delta") == '{"city":"Oslo"}'
    )
    assert types([chunk for chunk in sent if chunk["type"] != "tool-input-delta"]) == [
        "start", "start-step", "tool-input-start", "tool-input-available", "tool-output-available", "finish-step",
        "start-step", "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    assert next(chunk["delta"] for chunk in sent if chunk["type"] == "text-delta").startswith("It says {")
    assert sent[-1]["finishReason"] == "stop"
