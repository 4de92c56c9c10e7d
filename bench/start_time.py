"""How long until the first answer, how much memory when idle, what the import costs. One server at a time.

    python bench/start_time.py                 all servers, 7 starts each
    python bench/start_time.py --import-only   only the imports

Memory is PSS over all processes of the server, one second after its first answer, with no other server running.
Imports are CPU time beyond a bare `python -c pass`, as multiples of `import asyncio, msgspec`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness import machine
from harness.places import VENV, make_file
from harness.process import NotStartedError, start
from harness.servers import SERVERS

IMPORTS = {
    "(nothing)": "pass",
    "asyncio + msgspec": "import asyncio, msgspec",
    "asyncio + msgspec + uvloop + httptools": "import asyncio, msgspec, uvloop, httptools",
    "waypost": "import waypost",
    "waypost (create_app)": "from waypost import create_app",
    "uvicorn": "import uvicorn",
    "starlette": "import starlette.applications, starlette.responses, starlette.routing",
    "pydantic": "from pydantic import BaseModel",
    "litestar": "from litestar import Litestar",
    "blacksheep": "from blacksheep import Application",
    "fastapi": "from fastapi import FastAPI",
}
IMPORT_LIMIT = 1.3
START_LIMIT = 0.35  # seconds
MEMORY_LIMIT = 30.0  # MiB


def _cpu(code: str) -> float:
    """CPU seconds of one Python process that runs `code`; nan when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(VENV / "bin/python"), "-I", "-c", code], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        return float("nan")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def imports(rounds: int) -> dict[str, float]:
    """Median CPU seconds of each import beyond an empty program; interleaved."""
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for code in IMPORTS.values():
        _cpu(code)  # writes the byte code
    for _ in range(rounds):
        for name, code in IMPORTS.items():
            seconds[name].append(_cpu(code))
    empty = statistics.median(seconds["(nothing)"])
    return {name: statistics.median(values) - empty for name, values in seconds.items() if values[0] == values[0]}


def _print_imports(found: dict[str, float]) -> None:
    unit = found["asyncio + msgspec"]
    print("\nImport: CPU ms beyond an empty program, and as a multiple of asyncio + msgspec")
    for name, seconds in found.items():
        if name != "(nothing)":
            print(f"{name:40}{seconds * 1000:8.1f}{seconds / unit:8.2f}")
    if "waypost" in found:
        ratio = found["waypost"] / unit
        print(f"{'met' if ratio <= IMPORT_LIMIT else 'MISSED'}: import waypost {ratio:.2f} (at most {IMPORT_LIMIT})")


def starts(names: list[str], rounds: int, cpus: str) -> dict[str, list[tuple[float, float, float]]]:
    """(seconds to the first answer, PSS MiB of all processes, PSS MiB of the largest) of every start; interleaved."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            try:
                running = start(SERVERS[name], cpus=cpus)
            except NotStartedError as error:
                if number == 0:
                    print(f"!! {error}", file=sys.stderr)
                continue
            try:
                time.sleep(1)
                largest = max(running.process_pss(pid) for pid in running.tree())
                found[name].append((running.seconds_to_answer, running.memory().pss, largest))
            finally:
                running.stop()
    return found


def _print_starts(found: dict[str, list[tuple[float, float, float]]]) -> None:
    print(
        "\nFrom spawn to the first answer (ms: median, fastest), idle memory (PSS MiB: all processes, largest process)"
    )
    for name, values in found.items():
        if values:
            seconds, pss, largest = zip(*values, strict=True)
            middle, memory = statistics.median(seconds), statistics.median(pss)
            print(
                f"{name:22}{middle * 1000:8.0f}{min(seconds) * 1000:8.0f}"
                f"{memory:10.1f}{statistics.median(largest):10.1f}"
            )
    if ours := found.get("waypost"):
        middle = statistics.median(v[0] for v in ours)
        print(f"{'met' if middle <= START_LIMIT else 'MISSED'}: first answer {middle:.3f} s (at most {START_LIMIT})")
    for name, what in (("waypost", "one process, command and worker"), ("waypost_two", "worker of two")):
        if ours := found.get(name):
            memory = statistics.median(v[2] for v in ours)
            word = "met" if memory <= MEMORY_LIMIT else "MISSED"
            print(f"{word}: idle, {what}: {memory:.1f} MiB (at most {MEMORY_LIMIT:.0f})")


def main() -> int:
    parser = argparse.ArgumentParser(description="Start, idle memory, import.")
    parser.add_argument("--servers", default="", metavar="A,B", help=f"of: {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--import-only", action="store_true")
    parser.add_argument("--cpus", default="0", help="CPUs of the servers; empty: all")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    arguments = parser.parse_args()
    names = [name for name in arguments.servers.split(",") if name] or list(SERVERS)
    make_file()
    costs = imports(max(arguments.rounds, 9))
    _print_imports(costs)
    began = (
        {}
        if arguments.import_only
        else starts(names, arguments.rounds, arguments.cpus if (os.cpu_count() or 1) > 1 else "")
    )
    if began:
        _print_starts(began)
    if arguments.json:
        result = {**machine.describe(), "imports": costs, "starts": began}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
