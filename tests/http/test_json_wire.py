"""The suite of JSON texts, sent to a real server on one connection after the other."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.app.project import make_application
from tests.app.wire import serve

HANDLER = "async def POST(request): return {'got': repr(await request.json())[:20]}\n"


def _statuses(port: int, files: list[Path]) -> dict[str, int]:
    """File name → status, all on one connection: a refused body must leave it in step."""
    found: dict[str, int] = {}
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, client.makefile("rb") as answers:
        for file in files:
            body = file.read_bytes()
            client.sendall(b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            found[file.name] = int(answers.readline().split(b" ")[1])
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            answers.read(length)
    return found


def test_every_text_gets_its_status(corpora: Path, tmp_path: Path) -> None:
    folder = corpora / "json-suite" / "test_parsing"
    with serve(make_application(tmp_path, {"app/json/route.py": HANDLER})) as port:
        accepted = _statuses(port, sorted(folder.glob("y_*.json")))
        refused = _statuses(port, sorted(folder.glob("n_*.json")))
        either = _statuses(port, sorted(folder.glob("i_*.json")))
    assert len(accepted) == 95
    assert set(accepted.values()) == {200}
    assert len(refused) == 188
    assert {name: status for name, status in refused.items() if status != 400} == {}
    assert set(either.values()) <= {200, 400}
