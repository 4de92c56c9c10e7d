"""Streamed responses: chunks and files, with an end for those whose client leaves.

Source: ASGI specification 3.0; extension http.response.pathsend.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from waypost.asgi.gathering import Gathered, finished
from waypost.asgi.messages import Message, Send
from waypost.asgi.watch import Watch
from waypost.http.payload import BodyStream, FilePayload, encode_chunk
from waypost.http.request import Request
from waypost.http.response import Response


class Streaming:
    """One streamed response: sends its chunks, and ends the source when the client leaves.

    silence: seconds that the source may give nothing, 0 for no limit.
    """

    __slots__ = ("left", "payload", "request", "response", "send", "silence", "task", "watch")

    def __init__(
        self, request: Request, response: Response, payload: BodyStream, watch: Watch, send: Send, silence: float
    ) -> None:
        self.request = request
        self.response = response
        self.payload = payload
        self.watch = watch
        self.send = send
        self.silence = silence
        self.task: asyncio.Task[Any] | None = None  # while it is sending
        self.left = False

    async def run(self, method: str) -> None:
        headers = [*self.response.raw_headers()]
        if self.payload.length is not None and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", b"%d" % self.payload.length))
        start = {"type": "http.response.start", "status": self.response.status, "headers": headers}
        if method == "HEAD":
            await self.payload.aclose()
            await self.send(start)
            await self.send({"type": "http.response.body", "body": b""})
            return
        self.task = task = asyncio.current_task()
        self.watch.begin().add_done_callback(self._leave)
        try:
            # An error in mid-stream goes on to the server, which cuts the connection without an end mark.
            await self._send_all(start)
        except asyncio.CancelledError:
            if not self.left or task is None or task.uncancel():
                raise
        finally:
            self.task = None
            await self.payload.aclose(self.request._left)

    def _leave(self, _watching: asyncio.Future[None]) -> None:
        """The client has left: a source that waits for something is told so where it waits."""
        if self.task is not None:
            self.left = True
            self.task.cancel()

    async def _send_all(self, start: Message) -> None:
        taken = self.payload.take()
        iterator = _timed(taken, self.silence) if self.silence else taken
        gathered = Gathered(self.send)
        missing = _declared(start["headers"])
        await self.send(start)
        try:
            while True:
                step = iterator.__anext__().__await__()
                try:
                    waiting = next(step)
                except StopIteration as given:
                    chunk = given.value
                else:
                    chunk = await finished(step, waiting, gathered.flush())
                data = chunk if chunk.__class__ is bytes else encode_chunk(chunk)
                if missing is not None:
                    missing -= len(data)
                    if missing < 0:
                        raise RuntimeError(f"the stream gave {-missing} bytes more than its Content-Length")
                if not data or gathered.add(data):
                    await gathered.flush()
                    # A source that never waits would let nobody else have a turn where sending does not wait either:
                    # to a client that reads fast, or has left.
                    await asyncio.sleep(0)
        except StopAsyncIteration:
            if not missing:
                await gathered.finish()
                return
        except Exception:
            await gathered.flush()  # what came before a failure has come
            raise
        await gathered.flush()
        raise RuntimeError(f"the stream ended {missing} bytes short of its Content-Length")


async def _timed(iterator: AsyncIterator[Any], silence: float) -> AsyncIterator[Any]:
    """The chunks of a stream that may be silent for so many seconds. Raises TimeoutError."""
    while True:
        limit = asyncio.timeout(silence)
        try:
            async with limit:
                chunk = await anext(iterator)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if not limit.expired():
                raise  # it is the source's own
            raise TimeoutError(f"the stream gave nothing for {silence:g} s") from None
        yield chunk


async def send_path(response: Response, payload: FilePayload, send: Send) -> None:
    """Have the server send a whole file by its name, past Python."""
    headers = response.raw_headers()
    await payload.aclose()
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.pathsend", "path": payload.path})


def _declared(headers: list[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
