"""What is kept, and that nobody sees it a moment too long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update
from waypost.testing import Client

from lib.db import db
from lib.schema import Post

PROJECT = Path(__file__).parent.parent
SECRET = "test-only"


@contextmanager
def queries(client: Client) -> Iterator[list[str]]:
    """The SELECTs of the block."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().startswith("SELECT") and "FROM posts" in statement:
            seen.append(statement)

    client.get("/api/posts/1")  # opens the engine
    assert db._engine is not None
    event.listen(db._engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(db._engine.sync_engine, "before_cursor_execute", note)


async def change_past_the_api() -> None:
    async with db.session() as session:
        await session.execute(update(Post).where(Post.id == 1).values(title="Imported"))


def first_title(client: Client) -> str:
    title: str = client.get("/api/posts").json()["data"][0]["title"]
    return title


def test_the_list_asks_the_database_once(client: Client) -> None:
    with queries(client) as seen:
        answers = [client.get("/api/posts").text for _ in range(5)]
        assert len(seen) == 1
        client.get("/api/posts?page=2")
        assert len(seen) == 2
    assert len(set(answers)) == 1


def test_every_write_is_in_the_next_list(client: Client, create: Callable[..., dict[str, Any]]) -> None:
    def titles() -> list[str]:
        return [post["title"] for post in client.get("/api/posts").json()["data"]]

    assert len(titles()) == 3
    number = create("New")["id"]
    assert titles()[3:] == ["New"]
    client.put(f"/api/posts/{number}", json={"title": "Changed"})
    assert titles()[3:] == ["Changed"]
    client.delete(f"/api/posts/{number}")
    assert titles()[3:] == []


@pytest.mark.parametrize("what", [{"tag": "posts"}, {"path": "/api/posts"}, {"path": "/api", "type": "layout"}])
def test_a_webhook_drops_the_list(what: dict[str, str], client: Client) -> None:
    assert first_title(client) == "Hello, Waypost"
    client.run(change_past_the_api())
    assert first_title(client) == "Hello, Waypost"

    answer = client.post("/api/revalidate", json={"secret": SECRET, **what})
    assert (answer.status, answer.json()["revalidated"]) == (200, True)
    assert first_title(client) == "Imported"


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", "ü"])
def test_a_webhook_without_the_secret(secret: str, client: Client) -> None:
    assert first_title(client) == "Hello, Waypost"
    client.run(change_past_the_api())
    answer = client.post("/api/revalidate", json={"secret": secret, "tag": "posts"})
    assert (answer.status, answer.json()) == (401, {"error": "Invalid secret"})
    assert first_title(client) == "Hello, Waypost"


@pytest.mark.parametrize(
    "body",
    [
        [], "text", {}, {"secret": None}, {"secret": SECRET, "tag": 1}, {"secret": SECRET, "tag": ""},
        {"secret": SECRET, "tag": "x" * 257}, {"secret": SECRET, "path": "posts"},
        {"secret": SECRET, "path": "/api/posts/[id]"}, {"secret": SECRET, "path": "/", "type": "all"},
    ],
    ids=str,
)  # fmt: skip
def test_webhooks_that_say_nothing_useful(body: Any, client: Client) -> None:
    answer = client.post("/api/revalidate", json=body)
    assert answer.status == 400
    assert answer.json()["error"]


def test_the_configuration_is_kept(client: Client) -> None:
    first, second = client.get("/api/config"), client.get("/api/config")
    assert first.json()["limits"]["postsPerPage"] == 100
    assert second.headers["cache-status"] == "waypost; hit"
    assert second.text == first.text


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_there_is_no_start(secret: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "REVALIDATION_SECRET"}
    if secret is not None:
        environment["REVALIDATION_SECRET"] = secret
    done = subprocess.run(
        [sys.executable, "-m", "waypost.cli", "start", "--port", "0"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "REVALIDATION_SECRET" in done.stderr
    assert "app/api/revalidate/route.py" in done.stderr
