"""The framework alone: microseconds of CPU for one request, no socket and no HTTP parser.

    python bench/layers.py                      Waypost's layers and its peers
    python bench/layers.py --rounds 5 --only waypost,bare_asgi

Each application is called in its own process, on uvloop, with a prepared ASGI scope and a `send` that throws away;
"waypost_handle" calls the handler that both Waypost's own server and its ASGI adapter call; "waypost_typed" does so
where the handlers take typed arguments and parse nothing by hand. Smallest of all rounds:
what the work costs when nothing disturbs it. Much less noisy than requests per second; use it while you change things.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from harness.places import BENCH, BODY, PROJECTS, SERVER_PATH, VENV, make_file
from harness.workloads import ORIGIN, TOKEN

TARGETS = ("waypost_handle", "waypost_typed", "waypost", "bare_asgi", "blacksheep", "starlette", "litestar", "fastapi")
WORKLOADS = ("json", "query", "post", "pydantic", "cached", "guarded", "missing")
TYPED = ("query", "post", "pydantic")
_PATHS = {
    "json": ("/json", b""),
    "query": ("/users/123", b"q=hello&limit=10"),
    "post": ("/items", b""),
    "pydantic": ("/items/pydantic", b""),
    "cached": ("/cached", b""),
    "guarded": ("/json", b""),
    "missing": ("/nothing/here", b""),
}
Call = Callable[[], Awaitable[None]]


def _headers(workload: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """What a browser's fetch() sends, more or less."""
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"connection", b"keep-alive"),
    ]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if workload == "guarded":
        headers += [(b"authorization", TOKEN.encode()), (b"origin", ORIGIN.encode())]
    return headers


def _scope(workload: str, body: bytes) -> dict[str, Any]:
    path, query = _PATHS[workload]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST" if body else "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": _headers(workload, body),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def _asgi_call(app: Any, workload: str) -> Call:
    body = BODY.read_bytes() if workload in {"post", "pydantic"} else b""
    scope = _scope(workload, body)
    message = {"type": "http.request", "body": body, "more_body": False}

    async def receive() -> dict[str, Any]:
        return message

    async def send(event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            expected = {"missing": 404, "post": 201, "pydantic": 201}.get(workload, 200)
            # Litestar, BlackSheep and others answer a POST with 200 or 201 as they like.
            assert event["status"] in {expected, 200}, event

    async def call() -> None:
        await app(dict(scope), receive, send)

    return call


def _handle_call(app: Any, workload: str) -> Call:
    """The way of Waypost's own server: a Request from what the parser gave, the handler, the bytes of the answer."""
    from waypost.http.body import RequestBody
    from waypost.http.request import incoming
    from waypost.http.site import Connection

    application = app.application
    path, query = _PATHS[workload]
    target = f"{path}?{query.decode()}" if query else path
    data = BODY.read_bytes() if workload in {"post", "pydantic"} else b""
    headers = _headers(workload, data)
    connection = Connection("http", "127.0.0.1", ("127.0.0.1", 8000), application.site)
    method = "POST" if data else "GET"

    async def call() -> None:
        body = None
        if data:
            body = RequestBody(len(data), None)
            body.feed(data)
            body.finish()
        request = incoming(method, target, headers, body, connection)
        response = await application.handle(request)
        response.raw_headers()
        assert response.payload is not None
        application.response_sent(request)

    return call


async def _application(target: str, guarded: bool) -> Any:
    if target.startswith("waypost"):
        from waypost.asgi import create_app

        project = "typed" if target == "waypost_typed" else "guarded" if guarded else "plain"
        app = create_app(PROJECTS / project)
        await app.application.startup()
        return app
    module = __import__({"bare_asgi": "bare_asgi"}.get(target, f"{target}_app"))
    if target == "blacksheep":
        await module.app.start()
    return module.app


async def _one(target: str, workloads: list[str], seconds: float) -> dict[str, float]:
    """Microseconds of each workload; the smallest of several batches."""
    app = await _application(target, workloads == ["guarded"])
    found = {}
    for workload in workloads:
        call = (_asgi_call if target not in ("waypost_handle", "waypost_typed") else _handle_call)(app, workload)
        await call()
        count, best, end = 200, float("inf"), time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.thread_time()
            for _ in range(count):
                await call()
            best = min(best, (time.thread_time() - began) / count)
        found[workload] = best * 1e6
        found[f"{workload} garbage"] = await _garbage(call)
    return found


async def _garbage(call: Call) -> float:
    """Objects that one request leaves to the garbage collector: reference cycles. 0 is right."""
    gc.collect()
    gc.disable()
    for _ in range(100):
        await call()
    left = gc.collect()
    gc.enable()
    return left / 100


def _run(target: str, workloads: list[str], seconds: float, cpu: str) -> dict[str, float]:
    guarded = workloads == ["guarded"]
    environment = {
        **os.environ,
        "PYTHONPATH": SERVER_PATH,
        "WAYPOST_TELEMETRY": "false",
        **({"BENCH_GUARDED": "1"} if guarded else {}),
    }
    command = [str(VENV / "bin/python"), str(BENCH / "layers.py"), "--one", target, "--workloads", ",".join(workloads)]
    pin = ["taskset", "-c", cpu] if cpu and (os.cpu_count() or 1) > 1 else []
    done = subprocess.run(
        [*pin, *command, "--seconds", str(seconds)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        print(f"!! {target}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {}
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _print(title: str, best: dict[str, dict[str, float]], columns: list[str]) -> None:
    print(f"{title}\n{'':18}" + "".join(f"{column.split(' ')[0]:>10}" for column in columns))
    for target, values in best.items():
        cells = "".join(f"{values[c]:10.2f}" if c in values else f"{'-':>10}" for c in columns)
        print(f"{target:18}{cells}")


def main() -> int:
    parser = argparse.ArgumentParser(description="The framework alone, in microseconds of CPU.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="for one workload of one target in one round")
    parser.add_argument("--only", default="", metavar="A,B", help=f"of: {', '.join(TARGETS)}")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--cpu", default="0")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    workloads = arguments.workloads.split(",")
    if arguments.one:
        import uvloop

        print(json.dumps(uvloop.run(_one(arguments.one, workloads, arguments.seconds))))
        return 0
    make_file()
    targets = arguments.only.split(",") if arguments.only else list(TARGETS)
    best: dict[str, dict[str, float]] = {target: {} for target in targets}
    plain, guarded = [w for w in workloads if w != "guarded"], [w for w in workloads if w == "guarded"]
    for _ in range(arguments.rounds):
        for target in targets:
            for group in (plain, guarded):
                asked = [workload for workload in group if target != "waypost_typed" or workload in TYPED]
                found = _run(target, asked, arguments.seconds, arguments.cpu) if asked else {}
                for workload, value in found.items():
                    best[target][workload] = min(value, best[target].get(workload, value))
    _print("Microseconds of CPU for one request, without server and parser; smallest seen", best, workloads)
    names = [f"{workload} garbage" for workload in workloads]
    _print("Objects that one request leaves to the garbage collector (0 is right)", best, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
