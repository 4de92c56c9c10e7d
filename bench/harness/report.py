"""Tables from slices. Knows neither how they were measured nor what they should have been."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

from harness.measure import Slice

Figure = Callable[[Slice], float]
per_second: Figure = lambda s: s.per_second  # noqa: E731  # names for the columns
per_cpu_second: Figure = lambda s: s.per_cpu_second  # noqa: E731


class Results:
    """Slices by (server, workload), and what is asked of them."""

    def __init__(self, slices: list[Slice]) -> None:
        self._by: dict[tuple[str, str], dict[int, Slice]] = {}
        for s in slices:
            self._by.setdefault((s.server, s.workload), {})[s.round] = s
        self.servers = list(dict.fromkeys(s.server for s in slices))
        self.workloads = list(dict.fromkeys(s.workload for s in slices))

    def slices(self, server: str, workload: str) -> list[Slice]:
        return list(self._by.get((server, workload), {}).values())

    def median(self, server: str, workload: str, figure: Figure) -> float | None:
        values = [v for s in self.slices(server, workload) if not math.isnan(v := figure(s))]
        return statistics.median(values) if values else None

    def best_ratio(self, server: str, other: str, workload: str) -> float | None:
        """The fastest slice of `server` divided by the fastest of `other`."""
        best = [max((s.per_second for s in self.slices(name, workload)), default=0.0) for name in (server, other)]
        return best[0] / best[1] if all(best) else None

    def ratio(self, server: str, other: str, workload: str, figure: Figure = per_second) -> float | None:
        """Median over the rounds of `server`'s figure divided by `other`'s of the same round."""
        ours, theirs = self._by.get((server, workload), {}), self._by.get((other, workload), {})
        ratios = []
        for number in ours.keys() & theirs.keys():
            a, b = figure(ours[number]), figure(theirs[number])
            if b and not math.isnan(a) and not math.isnan(b):
                ratios.append(a / b)
        return statistics.median(ratios) if ratios else None

    def foreign(self) -> float:
        """Median share of the machine that something else used."""
        values = [s.foreign for by in self._by.values() for s in by.values()]
        return statistics.median(values) if values else 0.0


def _grid(title: str, results: Results, cell: Callable[[str, str], str | None], width: int = 10) -> str:
    head = f"{'':22}" + "".join(f"{w:>{width}}" for w in results.workloads)
    lines = [f"\n{title}", head]
    for server in results.servers:
        cells = "".join(f"{cell(server, w) or '-':>{width}}" for w in results.workloads)
        lines.append(f"{server:22}{cells}")
    return "\n".join(lines)


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else format(value, form)


def _latency(results: Results, server: str, workload: str) -> str | None:
    p50 = results.median(server, workload, lambda s: s.p50_ms)
    p99 = results.median(server, workload, lambda s: s.p99_ms)
    return None if p50 is None or p99 is None else f"{p50:.2f}/{p99:.2f}"


def _spread(results: Results, server: str, workload: str) -> str | None:
    values = [s.per_second for s in results.slices(server, workload)]
    if not values or not (middle := statistics.median(values)):
        return None
    return f"{(max(values) - min(values)) / middle / 2:.0%}"


def _marks(results: Results) -> str:
    marks = []
    for server in results.servers:
        for workload in results.workloads:
            slices = results.slices(server, workload)
            if slices and (errors := sum(s.errors for s in slices)):
                marks.append(f"!! {server}, {workload}: {errors} failed requests under load")
    return "\n".join(marks)


def _memory(results: Results) -> str:
    lines = ["\nMemory in MiB: after the load, largest at any time (RSS over all processes of the server)"]
    for server in results.servers:
        slices = [s for w in results.workloads for s in results.slices(server, w)]
        lines.append(f"{server:22}{max(s.rss for s in slices):10.0f}{max(s.peak for s in slices):10.0f}")
    return "\n".join(lines)


def tables(results: Results, base: str) -> str:
    """Everything that a run prints, but for the goals."""
    foreign = results.foreign()
    warning = "" if foreign < 0.05 else "   << not a quiet machine: read the ratios per CPU second"
    parts = [
        _grid(
            f"Requests per second (file: MB/s) as a ratio to {base}, median over rounds",
            results,
            lambda s, w: _number(results.ratio(s, base, w), ".2f"),
        ),
        _grid(
            f"The same per second of the server's CPU time, ratio to {base}",
            results,
            lambda s, w: _number(results.ratio(s, base, w, per_cpu_second), ".2f"),
        ),
        _grid(
            f"The fastest slice of each, ratio to the fastest of {base}: for a machine whose speed varies",
            results,
            lambda s, w: _number(results.best_ratio(s, base, w), ".2f"),
        ),
        _grid(
            "Requests per second (file: MB/s), median: this machine, this moment",
            results,
            lambda s, w: _number(results.median(s, w, per_second), ",.0f"),
        ),
        _grid(
            "Spread of requests per second, half of (largest - smallest) / median",
            results,
            lambda s, w: _spread(results, s, w),
        ),
        _grid("Latency p50/p99 in ms, all connections busy", results, lambda s, w: _latency(results, s, w), 14),
        _grid(
            "CPUs used by the server (1.00: one core saturated)",
            results,
            lambda s, w: _number(results.median(s, w, lambda x: x.cpu_share), ".2f"),
        ),
        _memory(results),
        f"\nUsed by something else on the machine: {foreign:.0%} (median){warning}",
    ]
    if marks := _marks(results):
        parts.append(marks)
    return "\n".join(parts)


def slices_from(records: list[dict[str, Any]]) -> list[Slice]:
    """Slices as they stand in a result file, where what could not be measured is null."""

    def restored(record: dict[str, Any]) -> dict[str, Any]:
        return {name: math.nan if value is None else value for name, value in record.items()}

    return [Slice(**restored(r)) for r in records]
