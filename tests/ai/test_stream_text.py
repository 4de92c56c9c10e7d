from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.ai.test_ui_stream import parsed, types

from waypost.ai import (
    Finished,
    InvalidMessages,
    MetadataPart,
    StreamText,
    TextFinished,
    Usage,
    anthropic,
    openai,
    stream_text,
    tool,
)

USER = [{"id": "m-1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}]


async def words(*pieces: Any) -> AsyncIterator[Any]:
    for piece in pieces or ("You", " said"):
        yield piece


def chunks(result: StreamText, **options: Any) -> list[dict[str, Any]]:
    return parsed(asyncio.run(result.to_ui_message_stream_response(**options).bytes()))


def test_every_kind_of_plain_model() -> None:
    async def function(messages: list[Any]) -> AsyncIterator[str]:
        yield messages[-1]["content"]

    async def gives_a_stream(messages: list[Any]) -> AsyncIterator[str]:
        return words("a", "b")

    def plain(messages: list[Any]) -> Iterator[str]:
        yield from ("a", "b")

    for model, text in (
        (words("a", "b"), "ab"),
        (["a", "b"], "ab"),
        (function, "Hi"),
        (gives_a_stream, "ab"),
        (plain, "ab"),
        (lambda messages: "whole", "whole"),
    ):
        assert asyncio.run(stream_text(model=model, messages=USER).text()) == text


def test_a_function_gets_the_system_prompt_first_and_nobody_else_s() -> None:
    seen: list[Any] = []

    async def model(messages: list[Any]) -> AsyncIterator[str]:
        seen.extend(messages)
        yield "x"

    for messages in (
        [{"id": "s", "role": "system", "parts": [{"type": "text", "text": "obey"}]}, *USER],
        [{"role": "system", "content": "obey"}, {"role": "user", "content": "Hi"}],
    ):
        seen.clear()
        asyncio.run(stream_text(model=model, system="Be kind.", messages=messages).text())
        assert seen == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]


def test_a_prompt_alone() -> None:
    model: Any = lambda messages: [messages[0]["content"]]  # noqa: E731  # the shortest model there is
    assert asyncio.run(stream_text(model=model, prompt="Hi").text()) == "Hi"


def test_the_ui_stream() -> None:
    reasoning = [
        {"type": "reasoning-start", "id": "r"},
        {"type": "reasoning-delta", "id": "r", "delta": "hm"},
        {"type": "reasoning-end", "id": "r"},
    ]
    pieces = ("a", "", *reasoning, "b", Usage(2, 3))
    assert types(chunks(stream_text(model=words(*pieces), prompt="x"))) == [
        "start", "start-step", "text-start", "text-delta", "text-end", "reasoning-start", "reasoning-delta",
        "reasoning-end", "text-start", "text-delta", "text-end", "finish-step", "finish",
    ]  # fmt: skip
    without = chunks(stream_text(model=words(*pieces), prompt="x"), send_reasoning=False)
    assert not any("reasoning" in kind for kind in types(without))


def test_a_failing_model_is_masked_and_its_text_response_is_cut() -> None:
    async def failing() -> AsyncIterator[str]:
        yield "half"
        raise RuntimeError("secret")

    sent = chunks(stream_text(model=failing(), prompt="x"))
    assert sent[-1] == {"type": "error", "errorText": "An error occurred."}
    assert types(sent) == ["start", "start-step", "text-start", "text-delta", "error"]
    with pytest.raises(RuntimeError, match="secret"):
        asyncio.run(stream_text(model=failing(), prompt="x").to_text_stream_response().bytes())


@pytest.mark.parametrize("piece", [7, None, b"bytes"])
def test_pieces_of_another_type_are_an_error(piece: Any) -> None:
    with pytest.raises(TypeError, match="gives text"):
        asyncio.run(stream_text(model=words(piece), prompt="x").text())


def test_the_text_response() -> None:
    response = stream_text(model=words("é", "t"), prompt="x").to_text_stream_response(headers={"X-Own": "1"})
    assert dict(response.headers) == {"x-own": "1", "content-type": "text/plain; charset=utf-8"}
    assert asyncio.run(response.text()) == "ét"


def test_on_finish_and_usage() -> None:
    seen: list[TextFinished] = []
    result = stream_text(model=words("a", "b", Usage(10, 3)), prompt="x", on_finish=seen.append)
    assert asyncio.run(result.text()) == "ab"
    assert seen == [TextFinished("ab", Usage(10, 3), "stop", False)]
    assert (result.usage.total_tokens, result.finish_reason) == (13, "stop")


def test_leaving_ends_the_model() -> None:
    events: list[Any] = []
    seen: list[Finished] = []

    async def model(messages: list[Any]) -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.sleep(60)
        finally:
            events.append("model ended")

    async def main() -> None:
        result = stream_text(model=model, prompt="x", on_finish=lambda finished: events.append(finished.is_aborted))
        payload: Any = result.to_ui_message_stream_response(on_finish=seen.append).payload
        stream = payload.take()
        text = b""
        while b"one" not in text:
            text += await anext(stream)
        await asyncio.wait_for(payload.aclose(), 1)

    asyncio.run(main())
    assert events == ["model ended", True]
    assert seen[0].is_aborted


def test_metadata_and_ids() -> None:
    def metadata(part: MetadataPart) -> Any:
        return {"at": part.type, "tokens": part.total_usage.total_tokens}

    sent = chunks(
        stream_text(model=words("a", Usage(1, 2)), prompt="x"),
        message_metadata=metadata,
        generate_message_id=lambda: "m-9",
        original_messages=USER,
    )
    assert sent[0] == {"type": "start", "messageId": "m-9", "messageMetadata": {"at": "start", "tokens": 0}}
    assert sent[-1]["messageMetadata"] == {"at": "finish", "tokens": 3}
    assistant = [*USER, {"id": "m-2", "role": "assistant", "parts": [{"type": "text", "text": "x"}]}]
    sent = chunks(stream_text(model=words("a"), prompt="x"), original_messages=assistant)
    assert sent[0]["messageId"] == "m-2"


def test_an_answer_is_read_once() -> None:
    result = stream_text(model=words("a"), prompt="x")
    asyncio.run(result.text())
    with pytest.raises(RuntimeError, match="already read"):
        asyncio.run(result.text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": ["a"]}, "either messages or prompt"),
        ({"model": ["a"], "prompt": "x", "messages": USER}, "either messages or prompt"),
        ({"model": 7, "prompt": "x"}, "is no model"),
        ({"model": ["a"], "prompt": "x", "tools": {"f": print}}, "calls no tools"),
        ({"model": "test", "prompt": "x", "tools": {"f": tool(print, needs_approval=True)}}, "approval_secret"),
    ],
)
def test_arguments_that_do_not_go_together(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        stream_text(**arguments)


@pytest.mark.parametrize("messages", [None, {}, [], "Hi", [7], [{"role": "system", "content": "x"}]])
def test_messages_that_are_none(messages: Any) -> None:
    with pytest.raises(InvalidMessages):
        stream_text(model=["a"], messages=messages)


def test_tools_that_could_not_be_called() -> None:
    for arguments in ({}, {"execute": 7}, {"execute": print, "input_schema": {}}, {"input_schema": int}):
        with pytest.raises(TypeError):
            tool(**arguments)
    with pytest.raises(TypeError, match="the page"):
        tool(input_schema={}, needs_approval=True)


def test_names_of_providers() -> None:
    assert (openai("gpt-4o"), anthropic("claude")) == ("openai-chat:gpt-4o", "anthropic:claude")


def test_importing_loads_no_provider() -> None:
    code = "import sys, waypost.ai; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic_ai", "pydantic", "openai"} & set(loaded)
