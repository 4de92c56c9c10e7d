"""The page of an API as a reader uses it, in a real browser with its content security policy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import HERE, MissingBrowser, find_browser, find_node, install_driver
from tests.cli.running import running, write

pytestmark = pytest.mark.slow

ROUTES = {
    "pyproject.toml": '[project]\nname = "blog"\nversion = "3"\ndescription = "Posts <b>and</b> `more`."\n',
    "app/api/posts/route.py": '''
from __future__ import annotations
from typing import Annotated
import msgspec
from waypost import Request

class Author(msgspec.Struct):
    name: str

class NewPost(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(max_length=40, examples=["Hello"], description="Its **heading**.")]
    author: Author | None = None

class Told(msgspec.Struct):
    title: str
    token: str

async def POST(request: Request, body: NewPost) -> Told:
    """Add a post.

    With `title`.
    """
    return Told(body.title, request.headers.get("authorization") or "")
''',
    "app/api/posts/[id]/route.py": "async def DELETE(id: int): return {'id': id}\n",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    try:
        browser, node = find_browser(), find_node()
        install_driver()
    except MissingBrowser as missing:
        pytest.skip(str(missing))
    folder: Path = tmp_path_factory.mktemp("api")
    write(folder, ROUTES)
    with running("start", "--host", "localhost", "--port", "0", "--docs-path", "/docs", cwd=folder) as server:
        done = subprocess.run(
            [node, "docs_page.mjs", browser, f"http://localhost:{server.port}/docs"],
            cwd=HERE, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    yield found


def test_it_lists_the_operations_and_finds_them(seen: dict[str, Any]) -> None:
    assert seen["title"] == "blog – API"
    assert [" ".join(link.split()) for link in seen["links"]] == ["POST /api/posts", "DELETE /api/posts/{id}"]
    assert [" ".join(link.split()) for link in seen["found"]] == ["DELETE /api/posts/{id}"]


def test_it_shows_what_an_operation_takes(seen: dict[str, Any]) -> None:
    for words in ("Add a post.", "With title.", "NewPost", "length ≤ 40", "required", "name", "200", "400"):
        assert words in seen["shown"], words
    assert json.loads(seen["sample"])["title"] == "Hello"


def test_it_sends_a_request_and_shows_the_answer_as_text(seen: dict[str, Any]) -> None:
    assert seen["status"] == "200"
    assert json.loads(seen["answer"]) == {"title": "<img src=x onerror=alert(1)>", "token": "Bearer secret"}
    assert seen["images"] == 0


def test_nothing_comes_from_elsewhere_and_its_policy_is_kept(seen: dict[str, Any]) -> None:
    paths = [line.partition("localhost:")[2].partition("/")[2] for line in seen["wire"]]
    assert paths == ["docs", "openapi.json", "api/posts"]
    assert seen["complaints"] == []
