"""WEBSOCKET through the commands: `routes` lists it, `dev` closes it when the code changes, `start` when it stops."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from tests.app.project import write_project
from tests.cli.running import running
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ROUTES = {
    "app/chat/[room]/route.py": """
async def WEBSOCKET(socket, context):
    async for message in socket:
        await socket.send(f"{context.params['room']}: {message}")

async def GET():
    return {"get": True}
""",
    "app/only/route.py": "async def WEBSOCKET(socket):\n    await socket.accept()\n    await socket.receive()\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path, ROUTES)


def test_routes_lists_it(project: Path) -> None:
    with running("routes", cwd=project) as listing:
        assert listing.stop(0, 20) == 0
    assert "/chat/[room]  GET, WEBSOCKET  app/chat/[room]/route.py" in listing.output
    assert "/only         WEBSOCKET       app/only/route.py" in listing.output
    with running("routes", "--json", cwd=project) as listing:
        assert listing.stop(0, 20) == 0
    methods = {route["path"]: route["methods"] for route in json.loads(listing.output)}
    assert methods == {
        "/chat/[room]": ["GET", "HEAD", "OPTIONS", "WEBSOCKET"],
        "/only": ["OPTIONS", "WEBSOCKET"],
    }


def test_dev_closes_sockets_of_old_code(project: Path) -> None:
    async def main(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/chat/a") as connection:
            await connection.send("x")
            assert await connection.recv() == "a: x"
            file = project / "app/chat/[room]/route.py"
            file.write_text(file.read_text().replace('f"', 'f"new '))
            with pytest.raises(ConnectionClosed) as end:
                await asyncio.wait_for(connection.recv(), 15)
            assert end.value.rcvd is not None
            assert (end.value.rcvd.code, end.value.rcvd.reason) == (1012, "The code has changed")
        async with connect(f"ws://127.0.0.1:{port}/chat/a") as connection:
            await connection.send("x")
            assert await connection.recv() == "new a: x"

    with running("dev", "--port", "0", cwd=project) as dev:
        asyncio.run(main(dev.port))


def test_dev_learns_of_the_first_one(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/chat/a") as connection:
            await connection.send("x")
            assert await connection.recv() == "a: x"

    write_project(tmp_path, {"app/route.py": "async def GET():\n    return {}\n"})
    with running("dev", "--port", "0", cwd=tmp_path) as dev:
        port = dev.port
        write_project(tmp_path, ROUTES)
        dev.wait_for("reloaded")
        time.sleep(0.5)  # of two files written at once the second may be a reload of its own
        asyncio.run(main(port))


@pytest.mark.parametrize("workers", [1, 2])
def test_start_stops_with_open_sockets(project: Path, workers: int) -> None:
    arguments = ("--port", "0", "--host", "127.0.0.1", "--workers", str(workers), "--shutdown-grace", "2s")

    async def main(port: int) -> list[int]:
        sockets = [await connect(f"ws://127.0.0.1:{port}/only") for _ in range(20)]
        stopped = asyncio.create_task(asyncio.to_thread(start.stop, signal.SIGTERM))
        codes: list[int] = []
        for connection in sockets:
            with pytest.raises(ConnectionClosed) as end:
                await connection.recv()
            codes.append(end.value.rcvd.code if end.value.rcvd else 0)
        assert await stopped == 0, start.output
        return codes

    with running("start", *arguments, cwd=project) as start:
        port = start.port
        began = time.monotonic()
        assert asyncio.run(main(port)) == [1001] * 20
        assert time.monotonic() - began < 8


def test_the_access_log_has_a_line_when_it_is_over(project: Path) -> None:
    async def main(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/chat/a?x=1") as connection:
            assert connection.response is not None
            assert connection.response.headers["x-request-id"]
            await connection.send("x")
            await connection.recv()

    with running("start", "--port", "0", "--host", "127.0.0.1", "--access-log", cwd=project) as start:
        asyncio.run(main(start.port))
        start.wait_for(r"GET /chat/a\?x=1 101 \d+ ")
