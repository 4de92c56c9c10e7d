"""Interleaved rounds: in every round each server is asked once, in an order that rotates.

A figure of one server is only ever compared with another's of the same round, so that a machine that
slows down for a while does not favour anyone. Each slice also records how much of the machine was used by
something that is neither the server nor the generator: a run with much of that is not to be believed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.check import mistakes
from harness.generator import load
from harness.process import NotStartedError, Running, start
from harness.servers import Server
from harness.workloads import Workload

_TICKS = os.sysconf("SC_CLK_TCK")
_WARM_UP_SECONDS = {"next": 4, "hono": 3, "node_http": 3}  # V8 compiles while it runs


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. server_cpus, load_cpus: CPU lists for taskset; empty: not pinned."""

    servers: list[Server]
    workloads: list[Workload]
    rounds: int
    seconds: int
    server_cpus: str
    load_cpus: str
    warm_up: bool = True


@dataclass(frozen=True, slots=True)
class Slice:
    """One second or so of one workload on one server. Memory in MiB, foreign: 0..1 of the machine."""

    server: str
    workload: str
    round: int
    wall_seconds: float
    requests: int
    per_second: float
    per_cpu_second: float
    cpu_share: float
    p50_ms: float
    p99_ms: float
    errors: int
    rss: float
    pss: float
    peak: float
    foreign: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Say = Callable[[str], None]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _busy_seconds() -> float:
    """CPU seconds that anything on the machine used so far, time stolen by the host included."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[:8])
    return (user + nice + system + irq + softirq + steal) / _TICKS


@contextmanager
def started(plan: Plan, *, guarded: bool) -> Iterator[dict[str, Running]]:
    """All servers of the plan at once, each checked; the ones that fail are reported and left out."""
    running: dict[str, Running] = {}
    workloads = [w for w in plan.workloads if w.guarded is guarded]
    try:
        for server in plan.servers:
            if not any(server.answers(w) for w in workloads):
                continue
            label = f"{server.name}{' (guarded)' if guarded else ''}"
            try:
                up = start(server, guarded=guarded, cpus=plan.server_cpus)
            except NotStartedError as error:
                say(f"!! {label} is left out: {error}")
                continue
            running[server.name] = up
            wrong = mistakes(server, up, workloads)
            for line in wrong:
                say(f"!! {label}, left out of it: {line}")
            if not wrong:
                say(f"ok {label}")
        yield running
    finally:
        for up in running.values():
            up.stop()


def _slice(plan: Plan, workload: Workload, up: Running, number: int) -> Slice:
    began, busy, cpu = time.perf_counter(), _busy_seconds(), up.cpu_seconds()
    seen = load(up.port, workload, seconds=plan.seconds, cpus=plan.load_cpus)
    cpu = up.cpu_seconds() - cpu
    busy, wall = _busy_seconds() - busy, time.perf_counter() - began
    memory = up.memory()
    rate = seen.requests_per_second
    if workload.unit == "MB":
        rate = rate * workload.sent_size / 1e6 if workload.sent_size else seen.megabytes_per_second
    done = rate * plan.seconds
    return Slice(
        server=up.name,
        workload=workload.name,
        round=number,
        wall_seconds=wall,
        requests=seen.requests,
        per_second=rate,
        per_cpu_second=done / cpu if cpu > 0.05 else float("nan"),
        cpu_share=cpu / wall,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        errors=seen.bad_statuses + seen.socket_errors,
        rss=memory.rss,
        pss=memory.pss,
        peak=memory.peak,
        foreign=max(0.0, busy - cpu - seen.cpu_seconds) / wall / (os.cpu_count() or 1),
    )


def _right(plan: Plan, workload: Workload, running: dict[str, Running], wrong: set[tuple[str, str]]) -> list[Running]:
    return [
        running[s.name]
        for s in plan.servers
        if s.name in running and s.answers(workload) and (s.name, workload.name) not in wrong
    ]


def run(plan: Plan) -> list[Slice]:
    """All rounds of all workloads. Servers that answer a workload wrongly are not measured on it."""
    slices: list[Slice] = []
    for guarded in (False, True):
        workloads = [w for w in plan.workloads if w.guarded is guarded]
        if not workloads:
            continue
        with started(plan, guarded=guarded) as running:
            for workload in workloads:
                wrong = {
                    (s.name, workload.name)
                    for s in plan.servers
                    if s.name in running and s.answers(workload) and mistakes(s, running[s.name], [workload])
                }
                slices += _rounds(plan, workload, _right(plan, workload, running, wrong))
    return slices


def _rounds(plan: Plan, workload: Workload, field: list[Running]) -> list[Slice]:
    slices = []
    asked = {server.name: server.asked(workload) for server in plan.servers}
    if plan.warm_up:
        for up in field:
            load(up.port, asked[up.name], seconds=_WARM_UP_SECONDS.get(up.name, 1), cpus=plan.load_cpus)
    for number in range(plan.rounds):
        turn = number % len(field) if field else 0
        for up in field[turn:] + field[:turn]:
            slices.append(_slice(plan, asked[up.name], up, number))
    say(f"{workload.name}: {plan.rounds} rounds of {len(field)} servers, {time.strftime('%H:%M:%S')}")
    return slices


def check(plan: Plan) -> int:
    """Start each server alone and check its answers; the number of servers with a mistake."""
    bad = 0
    for server in plan.servers:
        for guarded in (False, True):
            workloads = [w for w in plan.workloads if w.guarded is guarded and server.answers(w)]
            if not workloads:
                continue
            label = f"{server.name}{' (guarded)' if guarded else ''}"
            try:
                up = start(server, guarded=guarded, cpus=plan.server_cpus)
            except NotStartedError as error:
                wrong = [str(error)]
            else:
                try:
                    wrong = mistakes(server, up, workloads)
                finally:
                    up.stop()
            bad += bool(wrong)
            print(f"{label:30}{'right' if not wrong else 'WRONG'}", flush=True)
            for line in wrong:
                print(f"    {line}")
    return bad
