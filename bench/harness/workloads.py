"""The questions that servers are asked, and what a right answer to each is.

A workload is one request, repeated by the generator. `mistake` looks at one answer in full and says
what is wrong with it (None: nothing). Knows no server.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.places import BODY, FILE_SIZE, FORM, FORM_TYPE, file_digest

TOKEN = "Bearer s3cret-token"
ORIGIN = "https://example.com"
SMALL: Any = {"message": "Hello, World!", "ok": True, "n": 42}
CREATED: Any = {"id": 1001, "name": "Ada Lovelace", "total": 1313.0, "count": 12}
ROWS: Any = [
    {"id": i, "name": f"Item number {i}", "price": i * 1.25, "created": "2026-01-02T03:04:05Z"} for i in range(1, 51)
]


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, read to its end. headers: lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Workload:
    """name: column of the tables. unit: "requests" or "MB", what is counted per second.

    guarded: asked of the copy of a server that has CORS and a token check in front. sent: the file that a POST sends.
    asked_of: the servers that have an answer; None: all but those that say that they lack it.
    """

    name: str
    path: str
    mistake: Callable[[Answer], str | None]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    connections: int = 64
    unit: str = "requests"
    guarded: bool = False
    about: str = ""
    sent: Path = BODY
    asked_of: frozenset[str] | None = None

    @property
    def body(self) -> bytes | None:
        return self.sent.read_bytes() if self.method == "POST" else None

    @property
    def sent_size(self) -> int:
        """Bytes of a POST's body, 0 for other methods."""
        return self.sent.stat().st_size if self.method == "POST" else 0


def _json(expected: Any, status: int, answer: Answer) -> str | None:
    if answer.status != status:
        return f"status {answer.status}, not {status}"
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return f"content-type {answer.headers.get('content-type')!r}"
    if json.loads(answer.body) != expected:
        return f"body {answer.body[:90]!r}"
    return None


def _guarded(answer: Answer) -> str | None:
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed != ORIGIN:
        return f"access-control-allow-origin {allowed!r}"
    # Vary: Origin is not asked for: Next.js 16 replaces the one that its proxy file sets.
    return _json(SMALL, 200, answer)


def _stream(answer: Answer) -> str | None:
    if answer.status != 200 or not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return f"status {answer.status}, content-type {answer.headers.get('content-type')!r}"
    if "content-length" in answer.headers:
        return "content-length: the answer was collected before it was sent"
    expected = b"".join(b'data: {"i":%d}\n\n' % i for i in range(100))
    return None if answer.body == expected else f"{answer.body.count(b'data:')} events, {len(answer.body)} bytes"


_file_digest = functools.cache(file_digest)


def _file(answer: Answer) -> str | None:
    if answer.status != 200 or len(answer.body) != FILE_SIZE:
        return f"status {answer.status}, {len(answer.body)} bytes"
    return None if hashlib.sha256(answer.body).hexdigest() == _file_digest() else "not the bytes of the file"


def _is(expected: Any, status: int = 200) -> Callable[[Answer], str | None]:
    return functools.partial(_json, expected, status)


_PYTHON = frozenset(
    ("waypost", "waypost_uvicorn", "waypost_granian", "starlette_uvicorn", "starlette_granian", "litestar_uvicorn",
     "litestar_granian")
)  # fmt: skip
_POST = {"Content-Type": "application/json"}
_GUARD = {"Authorization": TOKEN, "Origin": ORIGIN}

WORKLOADS: dict[str, Workload] = {
    w.name: w
    for w in (
        Workload("json", "/json", _is(SMALL), about="a dict of three values as JSON"),
        Workload(
            "query",
            "/users/123?q=hello&limit=10",
            _is({"id": 123, "q": "hello", "limit": 10}),
            about="one path parameter and two query parameters, as JSON",
        ),
        Workload(
            "post",
            "/items",
            _is(CREATED, 201),
            method="POST",
            headers=_POST,
            about="937 bytes of JSON, validated (msgspec where the author chooses; FastAPI pydantic, Node zod)",
        ),
        Workload(
            "pydantic",
            "/items/pydantic",
            _is(CREATED, 201),
            method="POST",
            headers=_POST,
            about="the same body, validated by pydantic",
        ),
        Workload("rows", "/rows", _is(ROWS), about="50 rows of SQLite, read anew, as JSON"),
        Workload("sse", "/sse", _stream, about="an event stream of 100 chunks"),
        Workload("file", "/file", _file, connections=4, unit="MB", about="a file of 100 MB from disk"),
        Workload(
            "guarded", "/json", _guarded, headers=_GUARD, guarded=True, about="json behind CORS and a token check"
        ),
        Workload(
            "download",
            "/download",
            _file,
            connections=4,
            unit="MB",
            about="the same file, sent by a handler to be saved",
            asked_of=_PYTHON | {"waypost_static", "nginx"},
        ),
        Workload(
            "upload",
            "/upload",
            _is({"size": FILE_SIZE}),
            method="POST",
            headers={"Content-Type": FORM_TYPE},
            connections=4,
            unit="MB",
            about="the same file in a multipart form, read whole; the answer is its size",
            sent=FORM,
            asked_of=_PYTHON,
        ),
        Workload("cached", "/cached", _is(SMALL), about="constant bytes; where there is a cache, from the cache"),
    )
}
