"""One slice of load: run wrk, read what it prints. Knows no server."""

from __future__ import annotations

import os
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.places import BODY, DATA
from harness.workloads import Workload

_TIME = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_SIZE = {"B": 1.0, "KB": 1024.0, "MB": 1024.0**2, "GB": 1024.0**3}


class GeneratorError(Exception):
    """wrk is missing or said something that can't be read."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw. megabytes_per_second: 10**6 bytes. cpu_seconds: wrk's own."""

    requests: int
    requests_per_second: float
    megabytes_per_second: float
    p50_ms: float
    p99_ms: float
    bad_statuses: int
    socket_errors: int
    cpu_seconds: float


def _find(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None


def _milliseconds(text: str | None) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text or "")
    return float(match[1]) * _TIME[match[2]] if match else float("nan")


def _bytes(text: str | None) -> float:
    match = re.fullmatch(r"([\d.]+)([KMG]?B)", text or "")
    return float(match[1]) * _SIZE[match[2]] if match else 0.0


def parse(text: str, cpu_seconds: float = 0.0) -> Load:
    """Read the report of `wrk --latency`."""
    requests = _find(r"(\d+) requests in", text)
    if requests is None:
        raise GeneratorError(text.strip()[-400:] or "wrk printed nothing")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return Load(
        requests=int(requests),
        requests_per_second=float(_find(r"Requests/sec:\s+([\d.]+)", text) or 0),
        megabytes_per_second=_bytes(_find(r"Transfer/sec:\s+(\S+)", text)) / 1e6,
        p50_ms=_milliseconds(_find(r"50%\s+(\S+)", text)),
        p99_ms=_milliseconds(_find(r"99%\s+(\S+)", text)),
        bad_statuses=int(_find(r"Non-2xx or 3xx responses: (\d+)", text) or 0),
        socket_errors=sum(map(int, errors.groups())) if errors else 0,
        cpu_seconds=cpu_seconds,
    )


def wrk(
    port: int,
    path: str,
    *,
    seconds: int,
    connections: int,
    cpus: str = "",
    arguments: tuple[str, ...] = (),
    sent: Path = BODY,
) -> Load:
    """Run wrk with one thread for `seconds` whole seconds. sent: what post.lua sends. Raises GeneratorError."""
    pin = ["taskset", "-c", cpus] if cpus else []
    command = [*pin, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s", *arguments]
    before = _children_cpu()
    try:
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{path}"],
            capture_output=True,
            text=True,
            env={**os.environ, "BENCH_BODY": str(sent)},
            timeout=seconds + 60,
            check=False,
        )
    except FileNotFoundError as error:
        raise GeneratorError(f"{error.filename} is not installed (run bench/setup)") from error
    return parse(done.stdout + done.stderr, _children_cpu() - before)


def load(port: int, workload: Workload, *, seconds: int, cpus: str = "") -> Load:
    """One slice of `workload`."""
    arguments = [part for name, value in workload.headers.items() for part in ("-H", f"{name}: {value}")]
    if workload.method == "POST":
        arguments += ["-s", str(DATA / "post.lua")]
    return wrk(
        port,
        workload.path,
        seconds=seconds,
        connections=workload.connections,
        cpus=cpus,
        arguments=tuple(arguments),
        sent=workload.sent,
    )


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
