"""Answers that go on after a reload under `waypost start`: another worker answers, or one is killed, or all stop."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ai.test_resume import HI, ROUTES
from tests.ai.test_ui_stream import parsed
from tests.app.project import write_project
from tests.docs.test_docs import free_port

MIDDLEWARE = """
import os
from waypost import Response
async def middleware(request):
    return Response.next(headers={"x-pid": str(os.getpid())})
"""


class Server:
    def __init__(self, root: Path) -> None:
        write_project(root, {**ROUTES, "middleware.py": MIDDLEWARE})
        self.port = free_port()
        self.asked: list[tuple[http.client.HTTPConnection, http.client.HTTPResponse | None]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WAYPOST_", "PYTEST_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "waypost.cli", "start", "--workers", "2", "--port", str(self.port)],
            cwd=root,
            env={**kept, "HOST": "127.0.0.1", "WAYPOST_SHUTDOWN_GRACE": "1s"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask("PUT", "/api/chat/c-1/stream").read()
                return
            except ConnectionError:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.05)

    def ask(self, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.asked.append((connection, None))
        connection.request(method, path, None if body is None else json.dumps(body))
        response = connection.getresponse()
        self.asked[-1] = (connection, response)
        return response

    def leave(self) -> None:
        """Close every connection."""
        for connection, response in self.asked:
            if response is not None:
                response.close()
            connection.close()
        self.asked.clear()

    def follow_elsewhere(self, pid: str) -> http.client.HTTPResponse:
        """The stream of the chat from another worker than this."""
        deadline = time.monotonic() + 30
        while True:
            response = self.ask("GET", "/api/chat/c-1/stream")
            if response.headers["x-pid"] != pid:
                return response
            assert time.monotonic() < deadline, "the other worker was never asked"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.leave()
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()


def until(response: http.client.HTTPResponse, text: str) -> bytes:
    data = b""
    while text.encode() not in data:
        line = response.readline()
        assert line, data
        data += line
    return data


def test_another_worker_follows_and_stops_the_answer(server: Server) -> None:
    page = server.ask("POST", "/api/chat", HI)
    until(page, "word3 ")
    maker = page.headers["x-pid"]
    server.leave()  # the reload
    again = server.follow_elsewhere(maker)
    data = until(again, "word20 ")
    assert data.startswith(b'data: {"type":"start"}\n\ndata: {"type":"start-step"}\n\n')
    began = time.monotonic()
    while server.ask("DELETE", "/api/chat/c-1/stream").headers["x-pid"] == maker:
        assert time.monotonic() - began < 30
    assert parsed(data + again.read())[-1] == {"type": "abort", "reason": "stopped"}
    assert server.ask("GET", "/api/chat/c-1/stream").status == 204
    assert server.stop() == 0


def test_a_worker_killed_in_mid_stream_is_an_error_for_who_follows(server: Server) -> None:
    page = server.ask("POST", "/api/chat", HI)
    until(page, "word3 ")
    again = server.follow_elsewhere(page.headers["x-pid"])
    data = until(again, "word3 ")
    os.kill(int(page.headers["x-pid"]), signal.SIGKILL)
    began = time.monotonic()
    data += again.read()
    assert time.monotonic() - began < 20, "the lease ends it"
    assert parsed(data)[-1] == {"type": "error", "errorText": "An error occurred."}
    assert data.endswith(b"data: [DONE]\n\n")
    assert server.ask("GET", "/api/chat/c-1/stream").status == 204


def test_a_server_that_stops_ends_the_answer_for_all_who_read_it(server: Server) -> None:
    page = server.ask("POST", "/api/chat", HI)
    until(page, "word3 ")
    again = server.follow_elsewhere(page.headers["x-pid"])
    until(again, "word3 ")
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    for response in (page, again):
        data = response.read()
        assert data.endswith(b'data: {"type":"abort","reason":"shutdown"}\n\ndata: [DONE]\n\n')
    assert server.process.wait(20) == 0
    assert time.monotonic() - began < 10
