"""What the project wants to be able to say, as ratios within one run, and whether it can.

A goal is met by the ratio of requests per second (file: MB/s), median over rounds; the ratio per CPU second
stands beside it, for runs on a machine that was not quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.report import Results, per_cpu_second

EVERY = ("json", "query", "post", "pydantic", "rows", "sse", "file", "guarded", "cached")
OWN = "waypost"
SAME = "waypost_uvicorn"
TYPED = "waypost_typed"


@dataclass(frozen=True, slots=True)
class Goal:
    """`ours` on each of `workloads` is at least `least` times the best of `others`."""

    ours: str
    workloads: tuple[str, ...]
    least: float
    others: tuple[str, ...]


GOALS = (
    # Waypost on its own server.
    Goal(OWN, ("json", "query"), 0.80, ("bare_protocol",)),
    Goal(OWN, ("json", "query"), 1.3, ("bare_asgi_uvicorn", "bare_asgi_granian")),
    Goal(OWN, ("post",), 1.3, ("bare_asgi_uvicorn",)),
    Goal(OWN, ("post",), 2.0, ("litestar_uvicorn", "litestar_granian")),
    Goal(OWN, ("post",), 2.0, ("blacksheep_uvicorn", "blacksheep_granian")),
    Goal(OWN, ("pydantic",), 4.0, ("fastapi_uvicorn",)),
    Goal(TYPED, ("pydantic",), 4.0, ("fastapi_uvicorn",)),
    Goal(TYPED, ("query", "post", "pydantic"), 0.9, (OWN,)),
    Goal(OWN, ("sse",), 1.0, ("bare_rsgi_granian",)),
    Goal(OWN, ("file",), 0.9, ("nginx",)),
    Goal(OWN, ("download",), 0.9, ("waypost_static",)),
    Goal(OWN, ("upload",), 1.0, ("starlette_uvicorn", "starlette_granian", "litestar_uvicorn", "litestar_granian")),
    Goal(SAME, ("upload",), 1.0, ("starlette_uvicorn", "litestar_uvicorn")),
    Goal("waypost_passed", ("json",), 0.97, (OWN,)),
    Goal("waypost_through", ("json",), 0.85, (OWN,)),
    Goal(OWN, ("guarded",), 10.0, ("fastapi_uvicorn",)),
    Goal(OWN, ("guarded",), 5.0, ("starlette_uvicorn",)),
    Goal(OWN, ("guarded",), 1.0, ("blacksheep_uvicorn", "blacksheep_granian")),
    Goal(OWN, ("cached",), 0.85, ("bare_protocol",)),
    Goal(OWN, EVERY, 1.2, ("hono",)),
    Goal(OWN, EVERY, 4.0, ("fastapi_uvicorn",)),
    Goal(OWN, EVERY, 30.0, ("next",)),
    # Waypost through ASGI, on the server that its peers run on.
    Goal(SAME, ("json", "query"), 0.85, ("bare_asgi_uvicorn",)),
    Goal(SAME, EVERY, 1.0, ("starlette_uvicorn", "litestar_uvicorn", "blacksheep_uvicorn")),
    Goal(SAME, EVERY, 3.0, ("fastapi_uvicorn",)),
    Goal(SAME, ("pydantic",), 2.5, ("fastapi_uvicorn",)),
    Goal(f"{TYPED}_uvicorn", ("pydantic",), 2.5, ("fastapi_uvicorn",)),
    Goal(SAME, EVERY, 15.0, ("next",)),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal on one workload. other: the best of the goal's others."""

    ours: str
    workload: str
    other: str
    least: float
    measured: float
    per_cpu: float | None

    @property
    def met(self) -> bool:
        return self.measured >= self.least


def verdicts(results: Results) -> list[Verdict]:
    """Every goal that this run can speak of."""
    found = []
    for goal in GOALS:
        for workload in goal.workloads:
            measured = [(r, o) for o in goal.others if (r := results.ratio(goal.ours, o, workload)) is not None]
            if measured:
                ratio, other = min(measured)
                per_cpu = results.ratio(goal.ours, other, workload, per_cpu_second)
                found.append(Verdict(goal.ours, workload, other, goal.least, ratio, per_cpu))
    return found + _latency(results)


def _latency(results: Results) -> list[Verdict]:
    """p99 of json below every peer's: the best peer's divided by ours, at least 1."""
    ours = results.median(OWN, "json", lambda s: s.p99_ms)
    if not ours:
        return []
    peers = [
        (p99, server)
        for server in results.servers
        if not server.startswith(("waypost", "bare", "nginx"))
        and (p99 := results.median(server, "json", lambda s: s.p99_ms))
    ]
    if not peers:
        return []
    best, server = min(peers)
    return [Verdict(OWN, "json p99", server, 1.0, best / ours, None)]


def table(found: list[Verdict]) -> str:
    """The verdicts as text; those that are missed last."""
    lines = ["\nGoals, as ratios of requests per second (beside it: per CPU second)"]
    for v in sorted(found, key=lambda v: not v.met):
        beside = f"{v.per_cpu:8.2f}" if v.per_cpu is not None else f"{'-':>8}"
        word = "met" if v.met else "MISSED"
        lines.append(f"{word:8}{v.ours:22}{v.workload:10} >= {v.least:5.2f} x {v.other:22}{v.measured:8.2f}{beside}")
    return "\n".join(lines)
