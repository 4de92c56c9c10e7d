"""Starts what the conformance cases need: the upstream API on its fixed port, and the reference app on a free one.

Knows nothing of the cases.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
def upstream() -> Iterator[None]:
    """The upstream API; one that already runs, of another test session, serves as well."""
    if _answers(f"http://127.0.0.1:{UPSTREAM_PORT}/count"):
        yield
        return
    process = subprocess.Popen([sys.executable, str(HERE / "upstream.py"), str(UPSTREAM_PORT)])
    try:
        _wait(f"http://127.0.0.1:{UPSTREAM_PORT}/count", process, None)
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


@contextmanager
def reference_app(stack: str, directory: Path, workers: int = 1) -> Iterator[str]:
    """The reference app on a server of STACKS; gives its base URL. directory: for its database and its log."""
    port = free_port()
    env = os.environ | SECRETS | {"DB_FILE": str(directory / "ref.db"), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [word.replace("PORT", str(port)).replace("WORKERS", str(workers)) for word in STACKS[stack]]
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=APP, env=env, stdout=output, stderr=subprocess.STDOUT
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
