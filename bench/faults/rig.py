"""The rig of the fault scripts: a `waypost start` in a process of its own, raw connections, and one line of result.

Every script measures one figure of reliability against its goal, prints `ok` or `FAILED` with what was found, and
ends with code 0 or 1. `--short` does the same with fewer repetitions: that form runs in the tests, beside other work on
the same cores, and so allows SHORT_PATIENCE times as long where time is the goal. Linux only: memory
and descriptors are read from /proc. Only processes started here are signalled, by their id.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent / "project"
LOOPBACK = "127.0.0.1"
SHORT_PATIENCE = 5


class Service:
    """`waypost start` over a project, that of the faults unless it is said. options: as on the command line.

    ready: a path that answers 200 once it has started. environment: variables for it. port: a free one unless said.
    """

    def __init__(
        self,
        *options: str,
        workers: int = 1,
        project: Path = PROJECT,
        ready: str = "/json",
        environment: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        with socket.create_server((LOOPBACK, port)) as free:
            self.port: int = free.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        self.log = Path(self._folder.name) / "log"
        self._ready = ready
        command = [sys.executable, "-m", "waypost.cli", "start", str(project), "--host", LOOPBACK]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--workers", str(workers), *options],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "TMPDIR": self._folder.name,
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **(environment or {}),
                },
            )
        self.scratch = Path(self._folder.name)

    def __enter__(self) -> Service:
        end = time.monotonic() + 60  # no goal: a busy machine takes long to import an application
        while True:
            try:
                self.get(self._ready)
                return self
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"the server did not start:\n{self.log.read_text()}") from None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._folder.cleanup()

    def tree(self) -> list[int]:
        """The process and its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *(int(child) for child in children)]

    def memory(self) -> float:
        """Resident MiB of all processes together."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.tree())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1048576

    def stop(self) -> tuple[int, float]:
        """SIGTERM; gives the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), time.monotonic() - began

    def get(self, path: str, timeout: float = 10) -> bytes:
        """The body of a GET, on a connection of its own. Raises OSError for a status that is not 200."""
        with socket.create_connection((LOOPBACK, self.port), timeout=timeout) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while more := client.recv(65536):
                data += more
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 200 " not in head[:16]:
            raise OSError(head[:200])
        return body

    def ledger(self) -> dict[str, int]:
        """What the handlers saw; of the one worker."""
        found: dict[str, int] = json.loads(self.get("/ledger"))
        return found


Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connect(port: int, host: str = LOOPBACK, source: str | None = None) -> Peer:
    """A raw connection. source: an address of this machine to come from."""
    return await asyncio.open_connection(host, port, local_addr=(source, 0) if source else None, limit=1 << 20)


async def exchange(peer: Peer, path: str = "/json", extra: str = "") -> tuple[int, bytes, bytes]:
    """One GET on a kept connection: status, head, body. Raises OSError or EOFError when it is not answered."""
    reader, writer = peer
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{extra}\r\n".encode())
    return await response(reader)


async def response(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Read one response. Raises EOFError (IncompleteReadError) when it is cut, wherever that is."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return status, head, bytes(body)
    at = lower.find(b"content-length: ")
    if at < 0:
        return status, head, b"" if status in (204, 304) else await reader.read()
    return status, head, await reader.readexactly(int(lower[at + 16 : lower.index(b"\r\n", at)]))


def abort(peer: Peer) -> None:
    """End a connection with a reset."""
    sock = peer[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer[1].transport.abort()


class Probe:
    """Asks for /json all the time, and keeps how long each answer took."""

    def __init__(self, port: int, pause: float = 0.005) -> None:
        self.port = port
        self.pause = pause
        self.seconds: list[float] = []
        self.failed = 0

    async def run(self) -> None:
        peer = await connect(self.port)
        while True:
            began = time.perf_counter()
            try:
                await asyncio.wait_for(exchange(peer), 10)
                self.seconds.append(time.perf_counter() - began)
            except (OSError, EOFError, TimeoutError):
                self.failed += 1
                with contextlib.suppress(OSError):
                    peer = await connect(self.port)
            await asyncio.sleep(self.pause)

    def p99(self) -> float:
        """Milliseconds."""
        return statistics.quantiles(self.seconds, n=100)[98] * 1000 if len(self.seconds) > 1 else float("inf")


@contextlib.contextmanager
def probing(port: int) -> Iterator[Probe]:
    """A Probe that runs meanwhile; inside an event loop."""
    probe = Probe(port)
    task = asyncio.ensure_future(probe.run())
    try:
        yield probe
    finally:
        task.cancel()


async def limited(jobs: int, at_once: int, job: Callable[[int], Awaitable[Any]]) -> list[Any]:
    """Run job(0) … job(jobs - 1), so many at a time; an exception of one is its result."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> Any:
        async with gate:
            return await job(number)

    return await asyncio.gather(*(one(number) for number in range(jobs)), return_exceptions=True)


def main(figure: str, goal: str, measure: Callable[[bool], tuple[bool, str]]) -> None:
    """Run a script: measure(short) gives whether the goal was met, and what was found."""
    parser = argparse.ArgumentParser(description=f"{figure}. Goal: {goal}.")
    parser.add_argument("--short", action="store_true", help="fewer repetitions")
    short = parser.parse_args().short
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.monotonic()
    met, found = measure(short)
    print(f"{'ok    ' if met else 'FAILED'} {figure}: {found} (goal: {goal}; {time.monotonic() - began:.0f} s)")
    sys.exit(0 if met else 1)
