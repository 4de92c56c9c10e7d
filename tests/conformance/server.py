"""Starts what the conformance cases need: the upstream API on its fixed port, and the reference app on free ones.

Knows nothing of the cases.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
APP = HERE / "app"
UPSTREAM_PORT = 3199  # the cases name it
SECRETS = {
    "REVALIDATION_SECRET": "reval-secret",
    "STRIPE_SECRET_KEY": "sk_test_reference",
    "STRIPE_WEBHOOK_SECRET": "whsec_reference_secret",
    "JWT_SECRET": "reference-jwt-secret-0123456789abcdef",
    "UPSTREAM_URL": f"http://127.0.0.1:{UPSTREAM_PORT}",
}
START_TIMEOUT = 30.0  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def upstream(port: int = UPSTREAM_PORT) -> Iterator[None]:
    """The upstream API; one that already runs, of another test session, serves as well.

    port: another one for tests without cases: it would end under those that run beside them.
    """
    if _answers(f"http://127.0.0.1:{port}/count"):
        yield
        return
    process = subprocess.Popen([sys.executable, str(HERE / "upstream.py"), str(port)])
    try:
        _wait(f"http://127.0.0.1:{port}/count", process, None)
        yield
    finally:
        process.terminate()
        process.wait(10)


STACKS = {
    "waypost": ["waypost.cli", "start", "--host", "127.0.0.1", "--port", "PORT", "--workers", "WORKERS"],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "PORT", "--no-access-log", "main:app"],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "PORT", "main:app"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:PORT", "main:app"],
}


def copy_app(directory: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Path:
    """The reference app, built, in a folder of its own: what it caches is not there for the next run."""
    app = directory / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__", ".waypost"))
    command = [sys.executable, "-m", "waypost.cli", "build"]
    built = subprocess.run(
        command, cwd=app, env=_environment(directory) | dict(settings), capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise RuntimeError(f"the reference app can't be built\n{built.stdout}{built.stderr}")
    return app


def _environment(directory: Path) -> dict[str, str]:
    return os.environ | SECRETS | {"DB_FILE": str(directory / "ref.db"), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def reference_app(
    stack: str, directory: Path, workers: int = 1, *, upstream_port: int = UPSTREAM_PORT
) -> Iterator[str]:
    """The reference app on a server of STACKS; gives its base URL. directory: for its copy, database and log."""
    settings = {"UPSTREAM_URL": f"http://127.0.0.1:{upstream_port}"}
    with _serving(stack, copy_app(directory, settings), directory, settings, workers) as base:
        yield base


@contextmanager
def two_machines(directory: Path, cache_url: str) -> Iterator[str]:
    """The reference app on two servers that share nothing but the store; each connection goes to the other one."""
    first = copy_app(directory)
    second = directory / "other"
    shutil.copytree(first, second, ignore=shutil.ignore_patterns("cache"))
    settings = {"WAYPOST_CACHE_URL": cache_url}
    with (
        _serving("waypost", first, directory, settings, 1) as one,
        _serving("waypost", second, directory, settings, 1) as other,
        _alternating([int(base.rpartition(":")[2]) for base in (one, other)]) as port,
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _serving(stack: str, app: Path, directory: Path, settings: dict[str, str], workers: int) -> Iterator[str]:
    port = free_port()
    words = [word.replace("PORT", str(port)).replace("WORKERS", str(workers)) for word in STACKS[stack]]
    log = directory / f"{app.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=app,
            env=_environment(directory) | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            _wait(f"{base}/x/get-only", process, log)
            yield base
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _alternating(ports: list[int]) -> Iterator[int]:
    """A TCP port that hands its connections to `ports` in turn."""
    turns = itertools.cycle(ports)

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", next(turns))
        await asyncio.gather(pump(reader, before), pump(behind, writer))

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop, server.sockets[0].getsockname()[1]))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=[serve()], daemon=True)
    thread.start()
    loop, stop, port = started.result(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path | None) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(url):
            return
        time.sleep(0.05)
    said = log.read_text("utf-8", "replace") if log else ""
    raise RuntimeError(f"nothing answers {url} (exit code {process.poll()})\n{said}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
