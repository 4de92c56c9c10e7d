"""How much later a model's words reach a page because Waypost stands between: the delay that it adds to each word.

usage: bench/ai_delay.py [--rounds 10] [--readers 1] [--no-goal]

A local server speaks OpenAI's chat completions, a word every 10 ms. The words are read from it directly, and through
`waypost start` with pydantic-ai's OpenAI client, in turns; each carries the time it was sent. Prints how long they
were under way and the difference of the medians, and ends with code 1 when that is 2 ms or more (unless --no-goal).
Run it with a Python that has Waypost with its extra `ai`, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.completions import WORDS
from harness.places import BENCH, PROJECTS

GOAL = 2.0  # milliseconds
BODY = json.dumps(
    {
        "id": "c",
        "model": "gpt-4o",
        "stream": True,
        "messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}],
    }
).encode()
SENT = re.compile(rb'"(?:content|delta)":"(\d+) "')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[None]:
    """A server, from when it accepts connections; it is ended with the block."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[1:]} does not answer")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


async def read(port: int, path: str) -> list[float]:
    """How long each word of one answer was under way, in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
    delays: list[float] = []
    rest = b""
    while b"[DONE]" not in rest:
        data = await asyncio.wait_for(reader.read(65536), 60)
        now = time.monotonic_ns()
        if not data:
            raise SystemExit(f"{path} broke off: {rest[-300:]!r}")
        rest += data
        end = 0
        for match in SENT.finditer(rest):
            delays.append((now - int(match[1])) / 1e6)
            end = match.end()
        rest = rest[end:]
    writer.close()
    if len(delays) != WORDS:
        raise SystemExit(f"{len(delays)} of {WORDS} words came from {path}")
    return delays


async def measure(upstream: int, port: int, rounds: int, readers: int) -> dict[str, list[float]]:
    ways = {"directly": (upstream, "/v1/chat/completions"), "through waypost": (port, "/api/chat")}
    for way in ways.values():
        await read(*way)  # pydantic-ai is imported by the first request
    delays: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            for found in await asyncio.gather(*(read(*way) for _ in range(readers))):
                delays[name] += found
    return delays


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--readers", type=int, default=1)
    parser.add_argument("--no-goal", action="store_true")
    options = parser.parse_args()
    upstream, port = free_port(), free_port()
    model = [sys.executable, str(BENCH / "harness" / "completions.py"), str(upstream)]
    waypost = [sys.executable, "-m", "waypost.cli", "start", "--port", str(port)]
    address = {"UPSTREAM": f"http://127.0.0.1:{upstream}/v1", "HOST": "127.0.0.1"}
    with running(model, upstream, BENCH), running(waypost, port, PROJECTS / "chat", **address):
        delays = asyncio.run(measure(upstream, port, options.rounds, options.readers))
    medians = {name: statistics.median(found) for name, found in delays.items()}
    for name, found in delays.items():
        late = statistics.quantiles(found, n=100)[98]
        print(f"{name:16} median {medians[name]:6.3f} ms   p99 {late:6.3f} ms   {len(found)} words")
    added = medians["through waypost"] - medians["directly"]
    print(f"added            median {added:6.3f} ms   (goal: below {GOAL:g} ms)")
    return int(added >= GOAL and not options.no_goal)


if __name__ == "__main__":
    sys.exit(main())
