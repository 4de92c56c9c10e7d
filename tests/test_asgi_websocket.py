"""WEBSOCKET under other servers, and under our own command: one project, one client, the same conversation."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application, write_project
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from waypost.asgi import ASGI

PROJECT = {
    "main.py": "from waypost import create_app\napp = create_app()\n",
    "middleware.py": """
from waypost import Response
async def middleware(request, next):
    if request.cookies.get("banned"):
        return Response.json({"error": "banned"}, 401)
    response = await next(request)
    response.headers.set("x-seen", f"{request.method} {response.status}")
    return response
""",
    "app/rooms/[room]/route.py": """
import asyncio
from waypost import HTTPError, after, cookies

log = []

async def WEBSOCKET(socket, context):
    room = context.params["room"]
    log.append(f"{room} begun")
    after(lambda: log.append(f"{room} after"))
    cookies().set("room", "1")
    await socket.accept(socket.protocols[0] if socket.protocols else None, headers={"X-Room": room})
    try:
        async for message in socket:
            if message == "boom":
                raise ValueError("boom")
            if message == "refuse":
                raise HTTPError("Not here")
            if message == "json":
                await socket.send_json({"url": socket.url.partition("/rooms")[2], "ip": socket.ip})
            elif message == "close":
                await socket.close(4100, "enough")
            elif message == "wait":
                await asyncio.sleep(60)
            else:
                await socket.send(message)
    finally:
        log.append(f"{room} ended {socket.close_code} {socket.signal.aborted}")

async def GET():
    return {"log": log}
""",
}
SERVERS = {
    "waypost": ["waypost.cli", "start", "--host", "127.0.0.1", "--port", "PORT", "--workers", "1"],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "PORT", "--no-access-log", "main:app"],
    "uvicorn-wsproto": ["uvicorn", "--ws", "wsproto", "--port", "PORT", "--no-access-log", "main:app"],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "PORT", "main:app"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:PORT", "main:app"],
}


class Server:
    def __init__(self, name: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.name = name
        self.log = folder / "server.log"
        command = [sys.executable, "-m", *(str(self.port).join(part.split("PORT")) for part in SERVERS[name])]
        environment = os.environ | {"WAYPOST_WEBSOCKET_CLOSE_TIMEOUT": "0.5", "WAYPOST_WEBSOCKET_MAX_SIZE": "100kb"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail(self.log.read_text())

    def connect(self, path: str, **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)

    def told(self) -> list[str]:
        import json
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/rooms/x") as answer:
            result: list[str] = json.load(answer)["log"]
            return result

    def eventually(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow) for name in SERVERS])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(request.param, write_project(tmp_path_factory.mktemp("sockets"), PROJECT))
    yield running
    if running.process.poll() is None:
        running.stop()


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """Code and reason of the close frame; 1006 where there was none."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            await connection.recv()
    return (1006, "") if end.value.rcvd is None else (end.value.rcvd.code, end.value.rcvd.reason)


async def refused(opening: connect) -> Any:
    with pytest.raises(InvalidStatus) as refusal:
        async with opening:
            pass
    return refusal.value.response


def test_a_conversation(server: Server) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"subprotocols": [Subprotocol("v2"), Subprotocol("v1")]}
        async with server.connect("/rooms/a%20b?q=1", **options) as connection:
            assert connection.subprotocol == "v2"
            assert connection.response is not None
            headers = connection.response.headers
            if server.name != "granian":  # it drops the headers of an acceptance
                assert headers["X-Room"] == "a b"
                assert headers["X-Seen"] == "GET 101"
                assert headers["Set-Cookie"].startswith("room=1")
            for message in ("text", b"bytes", "é" * 10_000, b"\0" * 60_000, ""):
                await connection.send(message)
                assert await connection.recv() == message
            await connection.send("json")
            assert await connection.recv() == '{"url":"/a%20b?q=1","ip":"127.0.0.1"}'

    asyncio.run(main())
    server.eventually(lambda: "a b after" in server.told())
    code = 1006 if server.name == "hypercorn" else 1000  # it has read the client's code, and does not tell
    told = [line for line in server.told() if line.startswith("a b")]
    assert told == ["a b begun", f"a b ended {code} True", "a b after"]


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("close", 4100, "enough"),
        ("refuse", 1008, "Not here"),
        ("boom", 1011, "Internal server error, id "),
        ("x" * 102_401, 1009, ""),
        (b"x" * 110_000, 1009, ""),
    ],
    ids=["close", "refuse", "boom", "big-text", "big-bytes"],
)
def test_how_it_ends(server: Server, sent: str | bytes, code: int, reason: str) -> None:
    async def main() -> None:
        async with server.connect("/rooms/end") as connection:
            await connection.send(sent)
            found = await closed(connection)
            # To a client that is still sending granian does not always bring the code.
            assert found[0] == code or (server.name == "granian" and code == 1009 and found[0] in (1005, 1006))
            assert found[1].startswith(reason)

    asyncio.run(main())


def test_refusals(server: Server) -> None:
    async def main() -> None:
        banned = await refused(server.connect("/rooms/a", additional_headers={"Cookie": "banned=1"}))
        foreign = await refused(server.connect("/rooms/a", origin=Origin("https://evil.example")))
        missing = await refused(server.connect("/nothing"))
        assert (banned.status_code, bytes(banned.body)) == (401, b'{"error":"banned"}')
        assert (foreign.status_code, bytes(foreign.body)) == (403, b'{"error":"Origin not allowed"}')
        assert missing.status_code == 404

    asyncio.run(main())


def test_a_client_that_leaves_while_the_handler_waits_for_something_else(server: Server) -> None:
    async def main() -> None:
        connection = await server.connect("/rooms/leaver")
        await connection.send("wait")
        await asyncio.sleep(0.1)
        connection.transport.abort()

    asyncio.run(main())
    server.eventually(lambda: any(line.startswith("leaver ended") for line in server.told()))


def test_many_at_once(server: Server) -> None:
    async def one(number: int) -> None:
        async with server.connect("/rooms/many", open_timeout=30) as connection:
            for turn in range(3):
                await connection.send(f"{number} {turn}")
                assert await connection.recv() == f"{number} {turn}"

    async def main() -> None:
        await asyncio.gather(*(one(number) for number in range(50)))

    asyncio.run(main())


def test_zz_a_stop_with_open_sockets(server: Server) -> None:
    """The last of its server."""

    async def main() -> set[int]:
        connections = [await server.connect("/rooms/stop") for _ in range(10)]
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        codes = {(await closed(connection))[0] for connection in connections}
        code = await stopping
        if server.name == "waypost":
            assert code == 0, server.log.read_text()
        return codes

    began = time.monotonic()
    codes = asyncio.run(main())
    if server.name == "waypost":
        assert codes == {1001}
        assert time.monotonic() - began < 14
    else:  # granian cuts them, hypercorn calls it an error of its own
        assert codes <= {1012, 1006, 1011}


# -- what only a fake server shows


class Fake:
    """receive() and send() of a server, with a script."""

    def __init__(self, *messages: MutableMapping[str, Any], extension: bool = True) -> None:
        self.messages = list(messages)
        self.sent: list[MutableMapping[str, Any]] = []
        self.scope: dict[str, Any] = {
            "type": "websocket", "scheme": "ws", "path": "/rooms/a", "raw_path": b"/rooms/a", "query_string": b"",
            "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "subprotocols": [], "extensions": {"websocket.http.response": {}} if extension else {},
        }  # fmt: skip

    async def receive(self) -> MutableMapping[str, Any]:
        await asyncio.sleep(0.01)
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    def run(self, project: Path) -> list[MutableMapping[str, Any]]:
        application = make_application(project, PROJECT)
        asyncio.run(asyncio.wait_for(ASGI(application)(self.scope, self.receive, self.send), 10))
        return self.sent


CONNECT = {"type": "websocket.connect"}


def test_a_server_that_can_not_send_a_response(tmp_path: Path) -> None:
    fake = Fake(CONNECT, extension=False)
    fake.scope["headers"].append((b"cookie", b"banned=1"))
    assert fake.run(tmp_path) == [{"type": "websocket.close", "code": 1008, "reason": ""}]


@pytest.mark.parametrize(
    "change",
    [
        {"headers": [(b"host", b"a"), (b"host", b"b")]},
        {"headers": []},
        {"raw_path": b"/\xff"},
        {"query_string": b"\xff"},
    ],
    ids=["two-hosts", "no-host", "path", "query"],
)
def test_what_is_no_request_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    fake = Fake(CONNECT)
    fake.scope |= change
    assert [message.get("status") for message in fake.run(tmp_path)] == [400, None]


def test_both_spellings_of_a_message_and_a_disconnect_without_a_code(tmp_path: Path) -> None:
    fake = Fake(
        CONNECT,
        {"type": "websocket.receive", "text": None, "bytes": b"b"},
        {"type": "websocket.receive", "text": "t", "bytes": None},
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.disconnect"},
    )
    assert [message for message in fake.run(tmp_path) if message["type"] == "websocket.send"] == [
        {"type": "websocket.send", "bytes": b"b"},
        {"type": "websocket.send", "text": "t"},
        {"type": "websocket.send", "text": ""},
    ]
    assert fake.sent[-1]["type"] == "websocket.send", "nothing is sent to a client that has left"
