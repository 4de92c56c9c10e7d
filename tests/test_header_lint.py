"""What linters of HTTP say about the answers of the example: no warning, and nothing bad."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from httplint.message import HttpResponseLinter
from tests.cli.running import Running, running

HERE = Path(__file__).parent
BLOG = HERE.parent / "examples" / "blog"

JSON = {"Content-Type": "application/json"}
POST = b'{"title": "A title", "content": "Text"}'
REQUESTS: list[tuple[str, str, bytes | None, dict[str, str], int]] = [
    ("GET", "/", None, {}, 200),
    ("GET", "/api/posts", None, {}, 200),
    ("GET", "/api/posts?page=2&limit=2", None, {}, 200),
    ("HEAD", "/api/posts", None, {}, 200),
    ("GET", "/api/posts", None, {"Accept-Encoding": "gzip"}, 200),
    ("GET", "/api/posts?page=0", None, {}, 400),
    ("POST", "/api/posts", POST, JSON, 201),
    ("POST", "/api/posts", b"{", JSON, 400),
    ("POST", "/api/posts", POST, {}, 415),
    ("POST", "/api/posts", b"x" * 2_000_000, JSON, 413),
    ("OPTIONS", "/api/posts", None, {}, 204),
    ("PATCH", "/api/posts", None, {}, 405),
    ("GET", "/api/posts/1", None, {}, 200),
    ("PUT", "/api/posts/1", POST, JSON, 200),
    ("DELETE", "/api/posts/2", None, {}, 200),
    ("GET", "/api/posts/99", None, {}, 404),
    ("GET", "/api/config", None, {}, 200),
    ("GET", "/api/config", None, {}, 200),
    ("GET", "/api/health", None, {}, 200),
    ("POST", "/api/revalidate", b'{"secret": "no"}', JSON, 401),
    ("GET", "/blog.css", None, {}, 200),
    ("GET", "/blog.css", None, {"Range": "bytes=0-9"}, 206),
    ("GET", "/blog.css", None, {"Range": "bytes=99999-"}, 416),
    ("GET", "/nothing", None, {}, 404),
    ("GET", "/nothing", None, {"Accept": "text/html"}, 404),
    ("GET", "/api/posts/", None, {}, 308),
]
PAGES = list(dict.fromkeys(path for method, path, _, fields, _ in REQUESTS if method == "GET" and not fields))


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("lint") / "blog"
    shutil.copytree(BLOG, folder, ignore=shutil.ignore_patterns(".waypost", "__pycache__", "*.db*"))
    environment = {**os.environ, "REVALIDATION_SECRET": "secret", "NO_COLOR": "1"}
    with running("start", "--port", "0", cwd=folder, env=environment) as server:
        yield server


def is_complaint(level: str, name: str) -> bool:
    """A status of 400 is itself a warning to a linter; the requests that are answered with one deserve it."""
    return level not in ("good", "info") and not name.startswith("STATUS_")


def lint(response: http.client.HTTPResponse, content: bytes, *, bodiless: bool = False) -> list[str]:
    linter = HttpResponseLinter(start_time=time.time(), no_content=bodiless)
    linter.process_response_topline(b"1.1", str(response.status).encode(), response.reason.encode())
    linter.process_headers([(name.encode(), value.encode("latin-1")) for name, value in response.headers.items()])
    linter.feed_content(content)
    linter.finish_content(True, [])
    notes = [note for top in linter.notes for note in (top, *top.subnotes)]
    return [
        f"{note.level.value}: {note.summary}" for note in notes if is_complaint(note.level.value, type(note).__name__)
    ]


def test_httplint_has_nothing_to_say(blog: Running) -> None:
    said = {}
    for method, path, body, fields, status in REQUESTS:
        connection = blog.connect()
        connection.request(method, path, body=body, headers=fields)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        assert response.status == status, (method, path, content)
        if notes := lint(response, content, bodiless=method == "HEAD"):
            said[f"{method} {path} {status}"] = notes
    assert said == {}


def test_httplint_would_say_something(blog: Running) -> None:
    connection = blog.connect()
    connection.request("GET", "/api/config")
    response = connection.getresponse()
    response.headers["cache-control"] = "max-age=5, max-age=7"
    response.headers["date"] = "yesterday"
    assert len(lint(response, response.read())) >= 2
    connection.close()


@pytest.mark.parametrize("path", PAGES)
def test_redbot_has_nothing_to_say(blog: Running, path: str) -> None:
    """It asks again, with conditions, for ranges and compressed, and compares."""
    done = subprocess.run(
        [sys.executable, str(HERE / "redbot_notes.py"), f"http://127.0.0.1:{blog.port}{path}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)
    assert notes, "REDbot notes something about every answer"
    assert [note for note in notes if is_complaint(*note)] == []
