"""request.signal under ASGI: it tells of a client that left early, and of nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from waypost.asgi import create_app

ROUTE = """
import asyncio
from waypost import ReadableStream, Response

async def GET(request):
    request.signal.add_event_listener("abort", lambda *_: seen.append("signal"))
    for _ in range(20):
        if request.signal.aborted:
            break
        await asyncio.sleep(0.01)
    seen.append("handler-end")
    return Response("done")

async def PUT(request):
    async def pull(controller):
        await asyncio.sleep(0.01)
        controller.enqueue(b"more")

    return Response(ReadableStream(pull=pull, cancel=lambda reason: seen.append(type(reason).__name__)))

def PATCH(request):
    import time
    for _ in range(20):
        if request.signal.aborted:
            break
        time.sleep(0.01)
    seen.append(request.signal.aborted)
    return Response("done")

seen = []

async def POST(request):
    return {"seen": seen}
"""


def run(project: Path, leaves_after: float | None, method: str = "GET") -> list[Any]:
    """What the handler saw of a client that leaves after so many seconds, or reads everything."""
    folder = project / "app" / "wait"
    folder.mkdir(parents=True)
    (folder / "route.py").write_text(ROUTE)
    app = create_app(project)
    scope = {"type": "http", "scheme": "http", "path": "/wait", "raw_path": b"/wait", "query_string": b""}
    scope |= {"headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}

    async def ask(verb: str) -> bytes:
        left = asyncio.Event()
        body = b""
        opened = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal opened
            if not opened and verb != "GET":
                opened = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal body
            body += message.get("body", b"")

        async def leave(seconds: float) -> None:
            await asyncio.sleep(seconds)
            left.set()

        leaving = asyncio.ensure_future(leave(leaves_after)) if leaves_after is not None and verb != "POST" else None
        await app({**scope, "method": verb}, receive, send)
        left.set()
        if leaving is not None:
            await leaving
        for _ in range(3):  # a watcher that outlived the response would speak up now
            await asyncio.sleep(0)
        return body

    async def both() -> bytes:
        await ask(method)
        return await ask("POST")

    seen: list[Any] = json.loads(asyncio.run(both()))["seen"]
    return seen


def test_a_client_that_leaves_early_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, leaves_after=0.03) == ["signal", "handler-end"]


def test_a_client_that_reads_everything_did_not_leave(tmp_path: Path) -> None:
    assert run(tmp_path, leaves_after=None) == ["handler-end"]


def test_the_source_of_a_stream_learns_why_it_is_cancelled(tmp_path: Path) -> None:
    assert run(tmp_path, leaves_after=0.03, method="PUT") == ["ClientDisconnected"]


def test_a_plain_handler_is_told_in_its_thread(tmp_path: Path) -> None:
    assert run(tmp_path, leaves_after=0.03, method="PATCH") == [True]


def test_a_stream_that_gives_nothing_for_too_long_is_an_error_of_the_server(tmp_path: Path) -> None:
    """The server cuts the connection then: what was sent must not look whole."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "route.py").write_text("""
import asyncio
from waypost import Response

async def GET():
    async def chunks():
        yield b"piece"
        await asyncio.sleep(60)
    return Response(chunks())
""")
    (tmp_path / "pyproject.toml").write_text('[tool.waypost]\nstream_timeout = "200ms"\n')
    scope = {"type": "http", "scheme": "http", "path": "/", "raw_path": b"/", "query_string": b"", "method": "GET"}
    scope |= {"headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    sent: list[MutableMapping[str, Any]] = []

    async def main() -> None:
        async def receive() -> MutableMapping[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        with pytest.raises(TimeoutError, match=r"gave nothing for 0\.2 s"):
            await asyncio.wait_for(create_app(tmp_path)(scope, receive, send), 10)

    asyncio.run(main())
    assert [message.get("body") for message in sent] == [None, b"piece"]
