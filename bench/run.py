"""Waypost beside its peers: the same questions to each, interleaved, as ratios.

    python bench/run.py                     the whole table (about 20 minutes)
    python bench/run.py --quick             one round: does it all work?
    python bench/run.py --same-server       one worker, everything in Python on uvicorn
    python bench/run.py --check             only: does each server answer rightly?
    python bench/run.py --show FILE         the tables of an earlier run

Needs nothing but the standard library itself; what it measures is installed by `bench/setup`. How to read the
tables stands in bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path

from harness import goals, machine, measure, report
from harness.places import RESULTS, make_file
from harness.servers import SAME_SERVER, SERVERS, baseline
from harness.workloads import WORKLOADS


def _names(text: str, known: dict[str, object], what: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no {what} is called {', '.join(unknown)}; there are: {', '.join(known)}")
    return names


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Waypost beside its peers, as ratios.")
    parser.add_argument("--servers", default="", metavar="A,B", help=f"of: {', '.join(SERVERS)}")
    parser.add_argument("--workloads", default="", metavar="A,B", help=f"of: {', '.join(WORKLOADS)}")
    parser.add_argument("--rounds", type=int, default=8, help="slices of each workload on each server (default 8)")
    parser.add_argument("--seconds", type=int, default=1, help="length of a slice (default 1)")
    parser.add_argument("--quick", action="store_true", help="one round without warm-up")
    parser.add_argument("--same-server", action="store_true", help="all Python servers on uvicorn")
    parser.add_argument("--check", action="store_true", help="check the answers, measure nothing")
    parser.add_argument("--base", default="", metavar="NAME", help="the server that counts as 1.00")
    parser.add_argument("--server-cpus", default="0", help="CPUs of the servers, as for taskset; empty: all")
    parser.add_argument("--load-cpus", default="1", help="CPUs of the generator")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="where to write the slices")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--show", type=Path, default=None, metavar="FILE", help="print the tables of a result file")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> measure.Plan:
    names = _names(arguments.servers, dict(SERVERS), "server")
    names = names or (SAME_SERVER if arguments.same_server else list(SERVERS))
    workloads = _names(arguments.workloads, dict(WORKLOADS), "workload") or list(WORKLOADS)
    pinned = (os.cpu_count() or 1) > 1
    return measure.Plan(
        servers=[SERVERS[name] for name in names],
        workloads=[WORKLOADS[name] for name in workloads],
        rounds=1 if arguments.quick else arguments.rounds,
        seconds=arguments.seconds,
        server_cpus=arguments.server_cpus if pinned else "",
        load_cpus=arguments.load_cpus if pinned else "",
        warm_up=not arguments.quick,
    )


def _write(slices: list[measure.Slice], path: Path | None) -> Path:
    path = path or RESULTS / f"run-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [
        {k: (None if isinstance(v, float) and math.isnan(v) else v) for k, v in s.as_dict().items()} for s in slices
    ]
    result = {"date": time.strftime("%Y-%m-%d", time.gmtime()), **machine.describe(), "slices": records}
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def _show(path: Path, base: str, strict: bool) -> int:
    result = json.loads(path.read_text())
    results = report.Results(report.slices_from(result["slices"]))
    if not results.servers:
        print("nothing was measured", file=sys.stderr)
        return 1
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    print(f"{result['date']}: {result['cpus']} x {result['processor']}, {result['system']}\n{versions}")
    print(report.tables(results, base or baseline(results.servers)))
    found = goals.verdicts(results)
    if found:
        print(goals.table(found))
    return 1 if strict and not all(v.met for v in found) else 0


def main() -> int:
    arguments = _arguments()
    if arguments.show:
        return _show(arguments.show, arguments.base, arguments.strict)
    make_file()
    plan = _plan(arguments)
    if plan.load_cpus:
        # The harness itself must not disturb the server.
        os.sched_setaffinity(0, {int(cpu) for cpu in plan.load_cpus.split(",")})
    if arguments.check:
        return 1 if measure.check(plan) else 0
    path = _write(measure.run(plan), arguments.json)
    status = _show(path, arguments.base, arguments.strict)
    print(f"\nwritten: {os.path.relpath(path)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
