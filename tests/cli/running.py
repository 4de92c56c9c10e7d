"""A command that serves, as a subprocess, and a client that keeps its connection."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

READY = re.compile(r"ready in .* on (?:http://([^:/\s]+|\[[^\]]+\]):(\d+)|unix:(\S+))")


class Running:
    """A running command. output: what it has printed on both streams so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.output += line
                self._changed.notify_all()

    def wait_for(self, pattern: str, seconds: float = 10, *, after: int = 0) -> re.Match[str]:
        """Wait until the output from position `after` on matches."""
        with self._changed:
            found = self._changed.wait_for(lambda: re.search(pattern, self.output[after:]), seconds)
            assert found, f"no {pattern!r} in:\n{self.output}"
            return found

    @property
    def port(self) -> int:
        return int(self.wait_for(READY.pattern)[2])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def get(self, path: str) -> str:
        """The body of an answer over a connection of its own."""
        connection = self.connect()
        try:
            return ask(connection, path)[1]
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM, seconds: float = 15) -> int:
        """Send a signal and give the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code


def ask(connection: http.client.HTTPConnection, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of one request."""
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read().decode()


@contextlib.contextmanager
def running(command: str, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `waypost COMMAND` in a project until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "PYTEST_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "waypost.cli", command, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONUNBUFFERED": "1", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    runner = Running(process)
    try:
        yield runner
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        runner._reader.join(5)
        process.stdout.close()


def until(condition: Callable[[], bool], seconds: float = 5) -> float:
    """Wait until `condition` holds; gives the seconds it took."""
    began = time.perf_counter()
    while not condition():
        assert time.perf_counter() - began < seconds, "it did not happen"
        time.sleep(0.005)
    return time.perf_counter() - began


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write the files of a project."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def needs(*tools: str) -> pytest.MarkDecorator:
    """Leave a test out where a tool of the group dev is not installed, as on the second and third Python version."""
    missing = [tool for tool in tools if importlib.util.find_spec(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed: pip install --group dev")
