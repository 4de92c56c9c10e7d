"""A TCP proxy that breaks connections in the ways networks and servers do. Runs in the event loop of its caller."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Literal

Fault = Literal["none", "down", "slow", "reset", "silent", "readonly", "wrong type", "garbage", "one too many"]

# What the server is made to say instead of running a script or a write.
ERRORS = {
    "readonly": "READONLY You can't write against a read only replica.",
    "wrong type": "WRONGTYPE Operation against a key holding the wrong kind of value",
}


class FaultProxy:
    """Between a client and the server at `port`.

    fault: applies to new connections and to those that are open.
      down: refused, and open ones closed. slow: every reply waits `delay` seconds. reset: a reply is cut in the middle
      and the connection reset. silent: nothing is forwarded and nothing closed, as by a firewall.
      readonly, wrong type: the answer to every script and write. garbage: bytes that are no protocol, before each
      reply. one too many: a whole answer that nobody asked for, before each reply.
    """

    def __init__(self, port: int, *, delay: float = 2.0) -> None:
        self.port = 0
        self.delay = delay
        self.connections = 0
        self._target = port
        self._fault: Fault = "none"
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    @property
    def fault(self) -> Fault:
        return self._fault

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def set(self, fault: Fault) -> None:
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault == "down":
            await self._stop_listening()
            self._cut()
        elif self._server is None:
            await self.start()

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _cut(self, *, reset: bool = False) -> None:
        for writer in list(self._writers):
            if reset:
                _reset(writer)
            writer.transport.abort()

    async def close(self) -> None:
        await self._stop_listening()
        self._fault = "none"
        self._changed.set()
        # Not by cancelling them: the task of a connection that is cancelled makes asyncio 3.11 complain.
        while self._tasks:
            self._cut()
            await asyncio.wait(self._tasks, timeout=0.05)

    async def __aenter__(self) -> FaultProxy:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        mine = {writer}
        pipes: list[asyncio.Task[None]] = []
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            mine.add(server_writer)
            self._writers |= mine
            pipes = [
                asyncio.create_task(self._requests(reader, server_writer)),
                asyncio.create_task(self._replies(server_reader, writer)),
            ]
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        except OSError:
            pass
        finally:
            for pipe in pipes:
                pipe.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)
            for end in mine:
                self._writers.discard(end)
                end.transport.abort()
            self._tasks.discard(task)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                command = await _read_command(reader)
                await self._through_silence()
                if self._fault in ERRORS and command[0].upper() in (b"EVAL", b"EVALSHA", b"SET", b"DEL"):
                    # The server says it itself, so that the answers stay in their order.
                    script = f'return redis.error_reply("{ERRORS[self._fault]}")'
                    command = [b"EVAL", script.encode(), b"0"]
                writer.write(b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in command))
                await writer.drain()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._through_silence()
                if self._fault == "slow":
                    await asyncio.sleep(self.delay)
                if self._fault == "reset":
                    writer.write(data[: len(data) // 2])
                    await asyncio.sleep(0)
                    _reset(writer)
                    return
                if self._fault == "garbage":
                    data = b"\x00\xff not the protocol \r\n" + data
                if self._fault == "one too many":
                    data = b"*2\r\n$1\r\n1\r\n$5\r\nother\r\n" + data
                writer.write(data)
                await writer.drain()

    async def _through_silence(self) -> None:
        while self._fault == "silent":
            await self._changed.wait()


async def _read_command(reader: asyncio.StreamReader) -> list[bytes]:
    count = int((await reader.readuntil(b"\r\n"))[1:])
    parts = []
    for _ in range(count):
        length = int((await reader.readuntil(b"\r\n"))[1:])
        parts.append((await reader.readexactly(length + 2))[:-2])
    return parts


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let closing send RST instead of FIN."""
    with contextlib.suppress(OSError):
        linger: socket.socket = writer.get_extra_info("socket")
        linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
