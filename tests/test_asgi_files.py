"""Files under ASGI: by name where the server offers it and the file stays where it is, else in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import write_project

from waypost.asgi import create_app

DATA = b"0123456789" * 1000
PROJECT = {
    "app/own/route.py": """
from pathlib import Path
from waypost import Response
async def GET(): return Response.file(Path(__file__).parents[2] / "own.bin")
""",
    "app/gone/route.py": """
from pathlib import Path
from waypost import Response
async def GET():
    file = Path(__file__).parents[2] / "gone.bin"
    file.write_bytes(b"0123456789" * 1000)
    response = Response.file(file)
    file.unlink()
    return response
""",
}


def _ask(root: Path, path: str, method: str = "GET", extensions: Any = None, **headers: str) -> list[dict[str, Any]]:
    app = create_app(write_project(root, PROJECT))
    fields = [(b"host", b"a"), *((name.encode(), value.encode()) for name, value in headers.items())]
    scope = {"type": "http", "scheme": "http", "method": method, "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": fields, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
             "extensions": extensions}  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "file.bin").write_bytes(DATA)
    (tmp_path / "own.bin").write_bytes(DATA)
    return tmp_path


OFFERED = {"http.response.pathsend": {}}


def test_a_public_file_is_sent_by_its_name(root: Path) -> None:
    start, body = _ask(root, "/file.bin", extensions=OFFERED)
    assert body == {"type": "http.response.pathsend", "path": str(root / "public" / "file.bin")}
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-length"]) == (200, b"%d" % len(DATA))


@pytest.mark.parametrize(
    ("path", "method", "extensions", "headers", "expected"),
    [
        ("/file.bin", "GET", None, {}, DATA),
        ("/file.bin", "GET", {}, {}, DATA),
        ("/file.bin", "HEAD", OFFERED, {}, b""),
        ("/file.bin", "GET", OFFERED, {"range": "bytes=0-9"}, DATA[:10]),
        ("/file.bin", "GET", OFFERED, {"range": "bytes=9999-"}, DATA[9999:]),
        ("/file.bin", "GET", OFFERED, {"range": f"bytes=0-{len(DATA) - 1}"}, DATA),
        ("/own", "GET", OFFERED, {}, DATA),
        ("/gone", "GET", OFFERED, {}, DATA),
    ],
)
def test_what_is_sent_in_pieces(
    root: Path, path: str, method: str, extensions: Any, headers: dict[str, str], expected: bytes
) -> None:
    sent = _ask(root, path, method, extensions, **headers)
    if any(message["type"] == "http.response.pathsend" for message in sent):
        # A range over the whole is the whole.
        assert headers.get("range") == f"bytes=0-{len(DATA) - 1}"
        return
    assert b"".join(message.get("body", b"") for message in sent[1:]) == expected
    if method == "GET":
        assert dict(sent[0]["headers"])[b"content-length"] == b"%d" % len(expected)
