"""Streams that show every chunk there is; `python tests/ai/frames.py` writes the files that keep them anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from waypost.ai import UIMessageStreamWriter, create_ui_message_stream, stream_text
from waypost.http.response import Response

GOLDEN = Path(__file__).parent / "golden"

Execute = Callable[[UIMessageStreamWriter], Awaitable[None]]


async def everything(writer: UIMessageStreamWriter) -> None:
    await writer.metadata({"model": "test"})
    await writer.start_step()
    await writer.reasoning(["I ", "think"])
    await writer.text(["Hello, ", "wörld ", "\u2028 \U0001f600\n\ndata: x"])
    await writer.source_url("https://example.com/", title="Example")
    await writer.source_document("Report", "application/pdf", filename="report.pdf")
    await writer.file("data:text/plain;base64,SGk=", "text/plain")
    await writer.data("weather", {"degrees": 20}, id="w")
    await writer.data("weather", {"degrees": 21}, id="w")
    await writer.data("note", "passing", transient=True)
    await writer.tool_input("add", {"a": 1, "b": 2}, call_id="call-1")
    await writer.tool_output("call-1", {"sum": 1}, preliminary=True)
    await writer.tool_output("call-1", {"sum": 3})
    await writer.tool_input("fail", {}, call_id="call-2")
    await writer.tool_error("call-2", "It failed.")
    await writer.finish_step()
    await writer.start_step()
    await writer.text("Done.")
    await writer.finish_step()
    await writer.finish("length", metadata={"tokens": 7})


async def approval(writer: UIMessageStreamWriter) -> None:
    await writer.tool_input("send", {"to": "Ada"}, call_id="call-1")
    await writer.write({"type": "tool-approval-request", "approvalId": "approval-1", "toolCallId": "call-1"})
    await writer.tool_input("send", {"to": "Bob"}, call_id="call-2")
    await writer.write({"type": "tool-output-denied", "toolCallId": "call-2"})
    await writer.finish("tool-calls")


async def failing(writer: UIMessageStreamWriter) -> None:
    await writer.text("Half an ans")
    raise RuntimeError("the password is hunter2")


async def only_seven(writer: UIMessageStreamWriter) -> None:
    await writer.start_step()
    await writer.text("wrong")
    await writer.write({"type": "reset-step"})
    await writer.text("right")
    await writer.write({"type": "custom", "kind": "test.thing"})
    await writer.write({"type": "reasoning-file", "url": "data:text/plain;base64,SGk=", "mediaType": "text/plain"})
    await writer.finish_step()


async def words() -> AsyncIterator[str]:
    for word in ("You", " said:", " ", "Hi"):
        yield word


def responses() -> dict[str, Response]:
    """Name of the file → the response that it keeps."""
    made: dict[str, Any] = {
        name: create_ui_message_stream(execute, generate_message_id=lambda: "msg-1").to_response()
        for name, execute in (("everything", everything), ("approval", approval), ("failing", failing))
    }
    made["only-7"] = create_ui_message_stream(only_seven, sdk_version=7).to_response()
    made["text"] = stream_text(model=words(), prompt="Hi").to_ui_message_stream_response()
    return made


async def frames() -> dict[str, bytes]:
    return {name: await response.bytes() for name, response in responses().items()}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, data in asyncio.run(frames()).items():
        (GOLDEN / f"{name}.sse").write_bytes(data)
