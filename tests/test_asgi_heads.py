"""Heads under ASGI: what was judged once is not judged again, and nothing odd gets past."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import write_project

from waypost.asgi import ASGI, create_app

PROJECT = {
    "app/echo/route.py": """
from waypost import Request, Response
async def POST(request: Request): return Response(await request.bytes() or "nothing")
""",
}
HOST = (b"host", b"a")


@pytest.fixture
def app(tmp_path: Path) -> ASGI:
    return create_app(write_project(tmp_path, PROJECT))


def ask(app: ASGI, headers: list[tuple[bytes, bytes]], *body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to a POST with this head."""
    scope = {
        "type": "http", "scheme": "http", "method": "POST", "path": "/echo", "raw_path": b"/echo", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[MutableMapping[str, Any]] = []
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    waiting[-1]["more_body"] = False

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_lengths(app: ASGI) -> None:
    for _ in range(2):  # the second is compared with the first
        assert ask(app, [HOST, (b"content-length", b"4")], b"four") == (200, b"four")
        assert ask(app, [HOST, (b"content-length", b"4")], b"fo", b"ur") == (200, b"four")
        assert ask(app, [HOST], b"chunk", b"ed") == (200, b"chunked")
        assert ask(app, [HOST, (b"content-length", b"0")], b"") == (200, b"nothing")


@pytest.mark.parametrize("length", [b"", b"-1", b"+4", b"4, 4", b"0x4", b"\xb2", b"9" * 19, b"9" * 5000])
def test_a_length_that_is_none_is_refused(app: ASGI, length: bytes) -> None:
    good = [HOST, (b"content-length", b"4")]
    assert ask(app, good, b"four")[0] == 200
    for _ in range(2):
        assert ask(app, [HOST, (b"content-length", length)], b"four") == (400, b'{"error":"Invalid Content-Length"}')
    assert ask(app, good, b"four") == (200, b"four")


@pytest.mark.parametrize("heads", [[], [HOST, HOST], [(b"host", b"a b")], [(b"host", b"")]])
def test_a_host_that_is_none_is_refused(app: ASGI, heads: list[tuple[bytes, bytes]]) -> None:
    for _ in range(2):
        assert ask(app, heads, b"x") == (400, b'{"error":"Invalid Host header"}')
    assert ask(app, [HOST], b"x") == (200, b"x")
