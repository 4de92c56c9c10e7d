"""An application on Waypost's own server and a real port, and a server whose every byte a test decides."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from waypost.app.application import Application
from waypost.server.server import Server
from waypost.server.sockets import listen_tcp


@contextmanager
def loop_in_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    """Cancel what still runs, and let transports close."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0.01)


@contextmanager
def serve(application: Application) -> Iterator[int]:
    """The port that `application` answers on."""
    listener = listen_tcp("127.0.0.1", 0, 128)
    server = Server(application.handle, application.config, on_sent=application.response_sent, site=application.site)

    def run(work: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)  # type: ignore[arg-type]  # coroutines all

    with loop_in_a_thread() as loop:
        run(application.startup())
        run(server.start([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            run(server.stop(1.0))
            run(application.shutdown(1.0))


def exchange(port: int, data: bytes, *, seconds: float = 5.0) -> bytes:
    """Everything that comes back for `data` until the server closes or falls silent after its last answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        client.sendall(data)
        out = b""
        try:
            while more := client.recv(65536):
                out += more
        except TimeoutError:
            pass
        return out


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


class Upstream:
    """A server for one request a connection. heads: the request heads as they came; bodies: what followed them."""

    def __init__(self, answer: Answer | bytes) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.closed = 0
        self.port = 0
        self._answer = answer

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fields(self, index: int = -1) -> dict[str, list[str]]:
        """The header fields of a request, by lower-case name."""
        found: dict[str, list[str]] = {}
        for line in self.heads[index].decode("latin-1").split("\r\n")[1:]:
            name, colon, value = line.partition(":")
            if colon:
                found.setdefault(name.lower(), []).append(value.strip())
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if callable(self._answer):
                await self._answer(reader, writer, head)
            else:
                self.bodies.append(await read_body(reader, head))
                writer.write(self._answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed += 1
            writer.close()


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body of a request, its framing as it came."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return await reader.readuntil(b"0\r\n\r\n")
    if b"content-length:" in lower:
        return await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))
    return b""


@contextmanager
def upstream(answer: Answer | bytes) -> Iterator[Upstream]:
    server = Upstream(answer)
    with loop_in_a_thread() as loop:

        async def start() -> asyncio.Server:
            return await asyncio.start_server(server.serve, "127.0.0.1", 0)

        listening = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        server.port = listening.sockets[0].getsockname()[1]
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(listening.close)
