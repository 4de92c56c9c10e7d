"""A server that speaks OpenAI's chat completions, in the format that it really has on the wire.

Each word it streams is the time at which it was sent (nanoseconds of CLOCK_MONOTONIC, one clock for all processes of
a machine), so that whoever reads it knows how long it was under way. Run it as a program: `completions.py PORT`.
Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

WORDS = 100
PAUSE = 0.01  # seconds between two words
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
    b"openai-version: 2020-10-01\r\nx-request-id: req_0\r\nConnection: keep-alive\r\n\r\n"
)


def event(delta: object, finish: str | None = None, usage: object = None) -> bytes:
    """One event: `data: {"id": …}`; delta None is the last one, which only carries the usage."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk = {
        "id": "chatcmpl-CgYVQh3RkzV2pXw0mB5nT7sLdAe1f",
        "object": "chat.completion.chunk",
        "created": 1795000000,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_cbf1785567",
        "choices": choices,
        "usage": usage,
        "obfuscation": "kP3xQ9",
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def chunked(data: bytes) -> bytes:
    """The data as one chunk of HTTP/1.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            writer.write(HEAD + chunked(event({"role": "assistant", "content": "", "refusal": None})))
            for _ in range(WORDS):
                await asyncio.sleep(PAUSE)
                writer.write(chunked(event({"content": f"{time.monotonic_ns()} "})))
                await writer.drain()
            usage = {"prompt_tokens": 9, "completion_tokens": WORDS, "total_tokens": WORDS + 9}
            writer.write(chunked(event({}, "stop")) + chunked(event(None, usage=usage)))
            writer.write(chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
