from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from waypost.ai import (
    Finished,
    UIMessageStreamWriter,
    create_ui_message_stream,
    create_ui_message_stream_response,
    stream_text,
)
from waypost.ai.chunks import ChunkChecker
from waypost.http.response import Response
from waypost.testing import request_scope

Chunk = dict[str, Any]


def parsed(data: bytes) -> list[Chunk]:
    lines = [line[6:] for line in data.decode().split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def sent(execute: Any, **options: Any) -> list[Chunk]:
    return parsed(asyncio.run(create_ui_message_stream(execute, **options).to_response().bytes()))


def types(chunks: list[Chunk]) -> list[str]:
    return [chunk["type"] for chunk in chunks]


def test_start_and_finish_are_added() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.text("Hi")

    assert sent(execute) == [
        {"type": "start"},
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "Hi"},
        {"type": "text-end", "id": "text-1"},
        {"type": "finish", "finishReason": "stop"},
    ]


def test_start_and_finish_of_one_s_own_win() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.write({"type": "start", "messageMetadata": {"a": 1}})
        await writer.write({"type": "finish", "finishReason": "length"})
        await writer.text("Hi")
        await writer.write({"type": "start", "messageMetadata": {"b": 2}})

    chunks = sent(execute, generate_message_id=lambda: "m-1")
    assert chunks[0] == {"type": "start", "messageId": "m-1", "messageMetadata": {"a": 1}}
    assert chunks[-2:] == [
        {"type": "message-metadata", "messageMetadata": {"b": 2}},
        {"type": "finish", "finishReason": "length"},
    ]


def test_a_function_that_writes_nothing() -> None:
    assert types(sent(lambda writer: None)) == ["start", "finish"]


def test_the_headers() -> None:
    response = create_ui_message_stream_response(
        create_ui_message_stream(lambda writer: None), status=201, headers={"X-Own": "1", "Cache-Control": "no-store"}
    )
    assert response.status == 201
    assert dict(response.headers) == {
        "x-own": "1",
        "cache-control": "no-store",
        "content-type": "text/event-stream",
        "x-vercel-ai-ui-message-stream": "v1",
        "x-accel-buffering": "no",
    }


def test_an_exception_shows_nothing_but_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.text("Half")
        raise RuntimeError("secret")

    with caplog.at_level(logging.ERROR, "waypost.ai"):
        chunks = sent(execute)
    assert chunks[-1] == {"type": "error", "errorText": "An error occurred."}
    assert "secret" in caplog.text


def test_on_error_says_what_the_client_may_read() -> None:
    def broken(error: BaseException) -> str:
        raise KeyError

    def execute(writer: UIMessageStreamWriter) -> None:
        raise TimeoutError("of the provider")

    for on_error, text in (
        (lambda error: f"It took too long ({type(error).__name__})", "It took too long (TimeoutError)"),
        (lambda error: None, "An error occurred."),
        (broken, "An error occurred."),
    ):
        assert sent(execute, on_error=on_error)[-1] == {"type": "error", "errorText": text}


def test_a_value_that_is_no_json_is_an_error_of_the_stream() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.data("x", object())
        await writer.text("never")

    assert types(sent(execute))[:2] == ["start", "error"]


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ({}, "a dict with a type"),
        ({"type": "text"}, "no type of a chunk"),
        ({"type": "reset-step"}, "from version 7"),
        ({"type": "text-delta", "id": "x", "delta": "y"}, "needs a text-start"),
        ({"type": "reasoning-end", "id": "x"}, "needs a reasoning-start"),
        ({"type": "text-start"}, "needs id"),
        ({"type": "text-start", "id": 7}, "needs id"),
        ({"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "x"}, "tool-input-start before it"),
        ({"type": "tool-input-available", "toolCallId": "c", "toolName": "t"}, "needs input"),
        ({"type": "tool-output-available", "toolCallId": "c"}, "needs output"),
        ({"type": "data-x"}, "needs data"),
        ({"type": "source-url", "sourceId": "1"}, "needs url"),
    ],
)
def test_a_chunk_that_a_client_would_fail_at_is_refused_where_it_is_written(chunk: Chunk, message: str) -> None:
    caught: list[str] = []

    async def execute(writer: UIMessageStreamWriter) -> None:
        try:
            await writer.write(chunk)
        except ValueError as error:
            caught.append(str(error))

    assert types(sent(execute)) == ["start", "finish"]
    assert message in caught[0]


def test_versions() -> None:
    approval = {"type": "tool-approval-request", "approvalId": "a", "toolCallId": "c"}
    with pytest.raises(ValueError, match="from version 6"):
        ChunkChecker(5).check(approval)
    ChunkChecker(6).check(approval)
    ChunkChecker(7).check({"type": "reset-step"})
    with pytest.raises(ValueError, match="5, 6 or 7"):
        ChunkChecker(4)  # type: ignore[arg-type]  # what this is about


def test_a_text_part_ends_with_its_step() -> None:
    checker = ChunkChecker()
    for chunk in ({"type": "text-start", "id": "t"}, {"type": "finish-step"}):
        checker.check(chunk)
    with pytest.raises(ValueError, match="same step"):
        checker.check({"type": "text-delta", "id": "t", "delta": "x"})


async def words() -> AsyncIterator[str]:
    yield "a"
    yield "b"


def test_another_stream_can_be_merged() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.data("status", "asking")
        await writer.merge(stream_text(model=words(), prompt="x").to_ui_message_stream())
        await writer.data("status", "done")

    assert types(sent(execute)) == [
        "start", "data-status", "start-step", "text-start", "text-delta", "text-delta", "text-end", "finish-step",
        "data-status", "finish",
    ]  # fmt: skip


def test_on_finish_has_the_message_to_store() -> None:
    seen: list[Finished] = []

    async def keep(finished: Finished) -> None:
        seen.append(finished)

    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.text("Hi")

    user: Any = {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": "x"}]}
    sent(execute, on_finish=keep, original_messages=[user], generate_message_id=lambda: "m-2")
    answer = {"id": "m-2", "role": "assistant", "parts": [{"type": "text", "text": "Hi", "state": "done"}]}
    assert seen == [Finished(answer, [user, answer], False, False, "stop")]  # type: ignore[arg-type]  # a plain dict

    sent(execute, on_finish=keep, original_messages=[user, answer])
    assert seen[1].is_continuation
    assert seen[1].response_message["id"] == "m-2"
    assert [part["text"] for part in seen[1].messages[-1]["parts"]] == ["Hi", "Hi"]
    assert len(answer["parts"]) == 1


def test_on_finish_after_a_failure_and_one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Finished] = []

    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.text("Half")
        raise RuntimeError("x")

    sent(execute, on_finish=seen.append)
    assert (seen[0].is_aborted, seen[0].finish_reason) == (False, None)
    assert seen[0].response_message["parts"][0]["text"] == "Half"

    def broken(finished: Finished) -> None:
        raise KeyError("broken callback")

    assert types(sent(lambda writer: None, on_finish=broken)) == ["start", "finish"]
    assert "on_finish failed" in caplog.text


def test_leaving_cancels_the_writer() -> None:
    events: list[str] = []
    seen: list[Finished] = []

    async def execute(writer: UIMessageStreamWriter) -> None:
        try:
            await writer.text("one")
            await asyncio.sleep(60)
        finally:
            events.append("ended")

    async def main() -> None:
        response = create_ui_message_stream(execute, on_finish=seen.append).to_response()
        chunks = response.payload.take()  # type: ignore[union-attr]  # a stream
        text = b""
        while b"text-end" not in text:
            text += await anext(chunks)
        await asyncio.wait_for(response.payload.aclose(), 1)  # type: ignore[union-attr]  # a stream

    asyncio.run(main())
    assert events == ["ended"]
    assert seen[0].is_aborted
    assert seen[0].response_message["parts"][0]["text"] == "one"


def test_a_writer_waits_for_a_reader_that_is_behind() -> None:
    written: list[int] = []

    async def execute(writer: UIMessageStreamWriter) -> None:
        for number in range(5000):
            await writer.data("x", "y" * 1000)
            written.append(number)

    async def main() -> None:
        response = create_ui_message_stream(execute).to_response()
        chunks = response.payload.take()  # type: ignore[union-attr]  # a stream
        await anext(chunks)
        await asyncio.sleep(0.05)
        assert len(written) < 200
        count = sum([data.count(b"data-x") async for data in chunks])
        assert len(written) == 5000
        assert count >= 4900

    asyncio.run(main())


def test_a_stop_of_the_server_is_an_abort_for_the_page() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await writer.text("one")
        await asyncio.sleep(60)

    async def main() -> bytes:
        with request_scope() as context:
            assert context is not None
            from waypost.app.context import current_scope

            request = current_scope.get().request
            response = create_ui_message_stream(execute).to_response()
        asyncio.get_running_loop().call_later(0.05, request.abort, "shutdown")
        return await response.bytes()

    assert parsed(asyncio.run(main()))[-1] == {"type": "abort", "reason": "shutdown"}


def test_silence_is_filled_with_comments_that_the_client_skips() -> None:
    async def execute(writer: UIMessageStreamWriter) -> None:
        await asyncio.sleep(0.15)

    data = asyncio.run(create_ui_message_stream(execute).to_response(heartbeat=0.05).bytes())
    assert data.startswith(b": keep-alive\n\n")
    assert types(parsed(data)) == ["start", "finish"]


def test_a_stream_can_be_read_once() -> None:
    stream = create_ui_message_stream(lambda writer: None)
    assert isinstance(stream.to_response(), Response)

    async def main() -> list[Chunk]:
        return [chunk async for chunk in stream]

    assert types(asyncio.run(main())) == ["start", "finish"]
    with pytest.raises(RuntimeError, match="already read"):
        asyncio.run(main())
