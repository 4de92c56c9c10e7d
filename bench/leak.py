"""Does memory stay flat? One million mixed requests to one worker, its resident memory every hundred thousand.

    python bench/leak.py                        1,000,000 requests on Waypost's own server (about 3 minutes)
    python bench/leak.py --short                50,000
    python bench/leak.py --server waypost_uvicorn

JSON, unknown paths that are all different, queries, cookies, forms, uploads, a handler with a bug, streams,
and clients that leave in the middle of one (harness/mixed.py). Fails when memory has grown by more than 5 MB after
the warm-up, or when a single answer was not the right one. BENCH_VENV: a Python environment with waypost in it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time

from harness.mixed import Tally, send
from harness.process import Running, start
from harness.servers import SERVERS

ALLOWED = 5.0  # MB of growth after the warm-up


def _resident(running: Running) -> float:
    """MB (10**6 bytes) resident in all processes of the server."""
    return running.memory().rss * 1024 * 1024 / 1e6


async def _measure(running: Running, total: int, step: int) -> tuple[list[tuple[int, float]], Tally]:
    tally = Tally()
    samples = [(0, _resident(running))]
    while tally.sent < total:
        began, before = time.perf_counter(), tally.sent
        await send(running.port, tally, min(step, total - tally.sent))
        await asyncio.sleep(0.2)  # what the last requests held is let go
        samples.append((tally.sent, _resident(running)))
        rate = (tally.sent - before) / (time.perf_counter() - began)
        print(f"{tally.sent:>10,} requests {samples[-1][1]:8.1f} MB {rate:10,.0f}/s", flush=True)
    return samples, tally


def main() -> int:
    parser = argparse.ArgumentParser(description="Memory under many different requests.")
    parser.add_argument("--server", default="waypost", choices=[n for n in SERVERS if n.startswith("waypost")])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--short", action="store_true", help="50,000 requests")
    parser.add_argument("--server-cpus", default="0")
    parser.add_argument("--load-cpus", default="1")
    arguments = parser.parse_args()
    total = 50_000 if arguments.short else arguments.requests
    step = total // 10
    warm_up = max(total // 10, 20_000)
    pinned = (os.cpu_count() or 1) > 1
    if pinned:
        os.sched_setaffinity(0, {int(cpu) for cpu in arguments.load_cpus.split(",")})
    # The log of a hundred thousand tracebacks is not what is measured.
    running = start(SERVERS[arguments.server], cpus=arguments.server_cpus if pinned else "", discard_log=True)
    try:
        samples, tally = asyncio.run(_measure(running, total, step))
    finally:
        running.stop()
    settled = [memory for sent, memory in samples if sent >= warm_up]
    growth = max(settled) - settled[0]
    print(f"{arguments.server}: {growth:+.1f} MB after the first {warm_up:,} of {total:,} requests")
    for what, count in tally.wrong.items():
        print(f"!! {what}: {count}")
    if growth > ALLOWED or tally.wrong:
        print(f"FAILED: at most {ALLOWED:+.1f} MB and no wrong answer are allowed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
