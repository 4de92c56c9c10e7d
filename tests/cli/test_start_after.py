"""after() under `waypost start`: clients that leave, and the end of the server."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from tests.cli.running import Running, running, write

PROJECT = {
    "app/slow/route.py": """
import asyncio
from waypost import after
async def work():
    await asyncio.sleep(0.8)
    print("worked", flush=True)
async def GET():
    after(work)
    return {"ok": True}
""",
    "app/thread/route.py": """
import time
from waypost import after
def work():
    time.sleep(0.5)
    print("worked in a thread", flush=True)
async def GET():
    after(work)
    return {"ok": True}
""",
    "app/endless/route.py": """
import atexit, time
from waypost import after
atexit.register(lambda: print("said goodbye", flush=True))
async def GET():
    after(lambda: time.sleep(60))
    return {"ok": True}
""",
    "app/left/route.py": """
import asyncio
from waypost import Response, after
async def GET(request):
    after(lambda: print("worked after", request.query_string, flush=True))
    if request.query_string == "stream":
        async def chunks():
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.01)
        return Response(chunks())
    print("waiting", flush=True)
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, PROJECT)
    return tmp_path


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("path", "line"), [("/slow", "worked\n"), ("/thread", "worked in a thread\n")])
def test_what_is_pending_is_finished_before_the_end(project: Path, workers: str, path: str, line: str) -> None:
    with running("start", "--port", "0", "--workers", workers, cwd=project) as server:
        assert server.get(path) == '{"ok":true}'
        assert line not in server.output
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
        assert line in server.output
        assert "cut off" not in server.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_does_not_end_is_left_behind_after_the_grace(project: Path, workers: str) -> None:
    with running("start", "--port", "0", "--workers", workers, "--shutdown-grace", "1", cwd=project) as server:
        assert server.get("/endless") == '{"ok":true}'
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5
        assert "1 pieces of work given to after() were cut off at shutdown" in server.output
        assert "1 threads did not end in time and are left behind: waypost_0" in server.output
        assert "said goodbye" in server.output
        assert "killed" not in server.output


@pytest.mark.parametrize("kind", ["wait", "stream"])
def test_a_client_that_leaves_does_not_take_the_work_along(project: Path, kind: str) -> None:
    with running("start", "--port", "0", cwd=project) as server:
        leave(server, f"/left?{kind}", "waiting" if kind == "wait" else None)
        server.wait_for(f"worked after {kind}\n", 5)
        if kind == "wait":
            assert "cancelled\n" in server.output
        assert server.stop() == 0


def leave(server: Running, target: str, mark: str | None) -> None:
    """Send a request and go away: when `mark` is printed, or when the answer has begun."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        if mark is None:
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        else:
            server.wait_for(mark)
