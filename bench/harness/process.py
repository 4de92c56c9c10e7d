"""Start a server, wait until it answers, read its memory and CPU time, stop it. Linux: everything comes from /proc.

Only processes started here are ever signalled, by their id.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.places import FILE, LOGS, SERVER_PATH
from harness.servers import Server, nginx_configuration
from harness.workloads import ORIGIN, TOKEN

_TICKS = os.sysconf("SC_CLK_TCK")


class NotStartedError(Exception):
    """The server ended or stayed silent; the text says where its log is."""


@dataclass(slots=True)
class Memory:
    """MiB over the process tree. rss counts shared pages in every process, pss once; peak: largest rss so far."""

    rss: float = 0.0
    pss: float = 0.0
    peak: float = 0.0


@dataclass(slots=True)
class Running:
    """A server that was started. log: what it printed."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    scratch: Path | None = None
    seconds_to_answer: float = 0.0
    known: set[int] = field(default_factory=set)

    def tree(self) -> list[int]:
        """Process ids of the server and all its descendants, parents first."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += [int(c) for c in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        self.known.update(found)
        return found

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree so far."""
        total = 0
        for pid in self.tree():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def memory(self) -> Memory:
        memory = Memory()
        for pid in self.tree():
            with contextlib.suppress(OSError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                memory.rss += _kib(rollup, "Rss") / 1024
                memory.pss += _kib(rollup, "Pss") / 1024
                memory.peak += _kib(Path(f"/proc/{pid}/status").read_text(), "VmHWM") / 1024
        return memory

    def process_pss(self, pid: int) -> float:
        """MiB of one process of the tree; 0 when it is gone."""
        try:
            return _kib(Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss") / 1024
        except OSError:
            return 0.0

    def stop(self, grace: float = 8.0) -> None:
        """SIGTERM to the parent; what is left of its tree after `grace` seconds is killed."""
        self.tree()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        for pid in self.known - {self.process.pid}:
            # A worker that outlived its parent. Its session is the one made at the start: not a recycled id.
            with contextlib.suppress(OSError):
                if os.getsid(pid) == self.process.pid:
                    os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


def _kib(text: str, name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) if match else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(server: Server, port: int, guarded: bool) -> dict[str, str]:
    environment = {
        **os.environ,
        "PORT": str(port),
        "NODE_ENV": "production",
        "NEXT_TELEMETRY_DISABLED": "1",
        "PYTHONPATH": SERVER_PATH,
        "BENCH_FILE": str(FILE),
        **server.environment,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # imports from byte code, as in production
    if guarded:
        environment["BENCH_GUARDED"] = "1"
    return environment


def start(
    server: Server, *, guarded: bool = False, cpus: str = "", timeout: float = 30.0, discard_log: bool = False
) -> Running:
    """Start `server` on the given CPUs ("0", "0,1"; empty: all) and return when it answers its first request with 200.

    Raises NotStartedError when it ends before, or when `timeout` seconds pass.
    """
    if server.needs is not None and not server.needs.exists():
        raise NotStartedError(f"{server.name}: {server.needs} is missing (run bench/setup)")
    port = free_port()
    scratch = None
    if "BENCH_NGINX" in server.environment:
        scratch = Path(tempfile.mkdtemp(prefix="bench-nginx-"))
        (scratch / "nginx.conf").write_text(nginx_configuration(port, scratch))
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{server.name}{'-guarded' if guarded else ''}.log"
    command = [part.format(port=port, scratch=scratch) for part in server.command]
    pin = ["taskset", "-c", cpus] if cpus else []
    directory = server.guarded_directory if guarded and server.guarded_directory else server.directory
    began = time.perf_counter()
    with open(os.devnull if discard_log else log, "wb") as output:
        process = subprocess.Popen(
            [*pin, *command],
            cwd=directory,
            env=_environment(server, port, guarded),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    running = Running(server.name, port, process, log, scratch)
    try:
        _wait(running, {"Authorization": TOKEN, "Origin": ORIGIN} if guarded else {}, timeout)
    except BaseException:
        running.stop()
        raise
    running.seconds_to_answer = time.perf_counter() - began
    return running


def _wait(running: Running, headers: Mapping[str, str], timeout: float) -> None:
    end = time.monotonic() + timeout
    seen: object = "no answer"
    while time.monotonic() < end:
        if running.process.poll() is not None:
            raise NotStartedError(f"{running.name}: ended with {running.process.returncode}; log: {running.log.name}")
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=2)
        try:
            connection.request("GET", "/json", headers=dict(headers))
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                return
            seen = f"status {response.status}"
        except (OSError, http.client.HTTPException) as error:
            seen = type(error).__name__
        finally:
            connection.close()
        time.sleep(0.003)
    raise NotStartedError(f"{running.name}: {seen} after {timeout:.0f} s; log: {running.log.name}")
