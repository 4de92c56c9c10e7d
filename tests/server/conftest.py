"""A real server on a real port, in a thread of the test's process, and a raw socket to talk to it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import uvloop

from waypost.http.request import Request
from waypost.http.response import Response
from waypost.server.limits import ServerLimits
from waypost.server.server import Server
from waypost.server.sockets import listen_tcp

Handler = Callable[[Request], Awaitable[Response]]


class Client:
    """One raw connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """What comes, through `mark`; raises EOFError if the connection ends before it."""
        while mark not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.rest)
            self.rest += more
        end = self.rest.index(mark) + len(mark)
        found, self.rest = self.rest[:end], self.rest[end:]
        return found

    def answer(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """The next response: status, headers, body."""
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head[1:] if line}
        if head_only or status in (100, 204, 304):
            return status, headers, b""
        if "content-length" in headers:
            return status, headers, self.exactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n"), 16):
                body += self.exactly(size)
                assert self.exactly(2) == b"\r\n"
            assert self.exactly(2) == b"\r\n"
            return status, headers, body
        return status, headers, self.to_end()

    def exactly(self, size: int) -> bytes:
        while len(self.rest) < size:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(self.rest)
            self.rest += more
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def to_end(self, seconds: float = 5) -> bytes:
        """All that comes until the connection ends; raises TimeoutError if it does not."""
        self.socket.settimeout(seconds)
        try:
            while more := self.socket.recv(65536):
                self.rest += more
        except ConnectionResetError:
            pass
        found, self.rest = self.rest, b""
        return found

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes, and the connection stays open, for that long."""
        self.socket.settimeout(seconds)
        try:
            self.rest += self.socket.recv(65536)
        except TimeoutError:
            return not self.rest
        finally:
            self.socket.settimeout(5)
        return False

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()


class Live:
    """A running server. `sent`: the requests whose response is out, in order."""

    def __init__(self, handler: Handler, options: dict[str, Any], uvloops: bool) -> None:
        self.sent: list[Request] = []
        self._ready: Future[int] = Future()
        self._stop: Callable[[], object] = lambda: None
        self._clients: list[Client] = []
        self.errors: list[dict[str, Any]] = []
        keywords = {name: options.pop(name) for name in ("site", "access", "upgrade") if name in options}
        limits = ServerLimits(**options)
        self.thread = threading.Thread(target=self._run, args=(handler, limits, keywords, uvloops), daemon=True)
        self.thread.start()
        self.port = self._ready.result(10)

    def _run(self, handler: Handler, limits: ServerLimits, keywords: dict[str, Any], uvloops: bool) -> None:
        async def main() -> None:
            self.loop = loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: self.errors.append(context))
            self.server = Server(handler, limits, on_sent=self.sent.append, **keywords)
            listener = listen_tcp("127.0.0.1", 0, 1024)
            port = listener.getsockname()[1]
            await self.server.start([listener])
            stopped = asyncio.Event()
            self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
            self._ready.set_result(port)
            await stopped.wait()
            if self.server.service.clock._handle is not None:
                await self.server.stop(0)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloops else None) as runner:
            runner.run(main())

    def client(self) -> Client:
        client = Client(self.port)
        self._clients.append(client)
        return client

    def talk(self, data: bytes, seconds: float = 5) -> bytes:
        """Send `data`, and give all that comes until the server closes."""
        client = self.client()
        client.send(data)
        return client.to_end(seconds)

    def get(self, path: str = "/") -> tuple[int, dict[str, str], bytes]:
        client = self.client()
        client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return client.answer()

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function in the server's thread."""
        done: Future[Any] = Future()
        self.loop.call_soon_threadsafe(lambda: done.set_result(function()))
        return done.result(5)

    def run(self, awaitable: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(20)

    def eventually(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop()
        self.thread.join(10)
        for client in self._clients:
            client.close()


@pytest.fixture(params=["uvloop", "asyncio"])
def loop_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def serve() -> Iterator[Callable[..., Live]]:
    """`serve(handler, **limits)` → a Live server."""
    running: list[Live] = []

    def start(handler: Handler, *, uvloops: bool = True, **options: Any) -> Live:
        live = Live(handler, options, uvloops)
        running.append(live)
        return live

    yield start
    for live in running:
        live.stop()
        assert not live.thread.is_alive(), "the server did not stop"
        assert live.errors == []
