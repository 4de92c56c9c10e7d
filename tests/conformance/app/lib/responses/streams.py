"""Bodies that are made while they are sent, and the ways they can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from waypost import ReadableStream, Request, Response


def write(*chunks: bytes | str) -> Callable[[Any], None]:
    """A `start` that enqueues these chunks and closes."""

    def start(controller: Any) -> None:
        for chunk in chunks:
            controller.enqueue(chunk)
        controller.close()

    return start


def pulled(request: Request) -> Response:
    count = 0

    def pull(controller: Any) -> None:
        nonlocal count
        count += 1
        if count <= 3:
            controller.enqueue(f"p{count}".encode())
        else:
            controller.close()

    return Response(ReadableStream(pull=pull))


def fail_first(controller: Any) -> None:
    controller.error(RuntimeError("early"))


async def fail_midway(controller: Any) -> None:
    controller.enqueue(b"partial")
    await asyncio.sleep(0.1)
    controller.error(RuntimeError("mid stream"))


async def generate() -> AsyncIterator[bytes]:
    yield b"g1 "
    yield b"g2"


KINDS: dict[str, Callable[[Request], Any]] = {
    "stream": lambda r: Response(ReadableStream(start=write(b"one ", b"two"))),
    "stream-pull": pulled,
    "stream-empty": lambda r: Response(ReadableStream(start=write())),
    "stream-string": lambda r: Response(ReadableStream(start=write("a js string"))),
    "stream-error-first": lambda r: Response(ReadableStream(start=fail_first)),
    "stream-error-mid": lambda r: Response(ReadableStream(start=fail_midway)),
    "stream-generator": lambda r: Response(ReadableStream.from_(generate())),
}
