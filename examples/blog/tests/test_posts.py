"""What the API does when it is used as it is meant to be."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waypost.testing import Client

from lib.db import database_url as effective_url
from lib.db import db
from lib.posts import create_post, list_posts

PROJECT = Path(__file__).parent.parent
Create = Callable[..., dict[str, Any]]


def test_a_new_database_has_a_few_posts(client: Client) -> None:
    response = client.get("/api/posts")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert (body["page"], body["limit"]) == (1, 10)
    assert [post["slug"] for post in body["data"]] == ["hello-waypost", "a-folder-is-a-route", "check-what-comes-in"]
    assert list(body["data"][0]) == ["id", "title", "content", "slug", "createdAt", "updatedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body["data"][0]["createdAt"])
    assert body["data"][0]["updatedAt"] is None


def test_pages(client: Client, create: Create) -> None:
    for number in range(4, 8):
        create(f"Post {number}")
    pages = [client.get(f"/api/posts?page={page}&limit=3").json() for page in (1, 2, 3, 4, 1_000_000)]
    assert [[post["id"] for post in page["data"]] for page in pages] == [[1, 2, 3], [4, 5, 6], [7], [], []]
    assert [page["page"] for page in pages] == [1, 2, 3, 4, 1_000_000]


def test_a_post_from_first_to_last(client: Client) -> None:
    created = client.post("/api/posts", json={"title": "Hello, Big World!", "content": "Text"})
    assert created.status == 201
    post = created.json()
    assert post["slug"] == "hello-big-world"
    place = created.headers["location"]
    assert place == f"/api/posts/{post['id']}"
    assert client.get(place).json() == post

    updated = client.put(place, json={"content": "Other text"})
    assert updated.status == 200
    changed = updated.json()
    assert changed["updatedAt"] >= post["createdAt"]
    assert changed == {**post, "content": "Other text", "updatedAt": changed["updatedAt"]}
    assert client.get(place).json() == changed

    assert client.delete(place).json() == {"message": "Post deleted"}
    for method in ("GET", "DELETE"):
        response = client.request(method, place)
        assert (response.status, response.json()) == (404, {"error": "Post not found"})
    assert client.put(place, json={"title": "x"}).status == 404


def test_an_id_is_not_given_twice(client: Client, create: Create) -> None:
    first = create()["id"]
    client.delete(f"/api/posts/{first}")
    assert create()["id"] > first


def test_a_new_title_keeps_the_address(client: Client, create: Create) -> None:
    post = create("Old title")
    updated = client.put(f"/api/posts/{post['id']}", json={"title": "New title"}).json()
    assert (updated["title"], updated["slug"]) == ("New title", "old-title")


def test_text_comes_back_as_it_was_sent(create: Create) -> None:
    title, content = " Über\tCafé 日本 😀\n", "'; DROP TABLE posts; --\r\n\\ \" % _ \u2028 \U0010ffff"
    post = create(title, content)
    assert (post["title"], post["content"]) == (title, content)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("A  B\t C", "a-b-c"),
        ("Über Café 日本", "über-café-日本"),
        ("हिन्दी में", "हिन्दी-में"),
        ("../../etc/passwd", "etc-passwd"),
        ("snake_case", "snake-case"),
        ("!!!", "post"),
        ("😀", "post"),
        ("-", "post"),
        ("x" * 200, "x" * 91),
        ("ß" * 200, "ß" * 91),
    ],
)
def test_slugs(title: str, slug: str, create: Create) -> None:
    assert create(title)["slug"] == slug
    assert create(title)["slug"] == f"{slug}-2"


def test_the_same_title_many_times(create: Create) -> None:
    slugs = [create("Again")["slug"] for _ in range(12)]
    assert slugs[:9] == ["again", *(f"again-{number}" for number in range(2, 10))]
    assert all(re.fullmatch(r"again-[0-9a-f]{8}", slug) for slug in slugs[9:])
    assert len(set(slugs)) == 12


def test_the_same_title_at_the_same_moment(database_url: str) -> None:
    async def main() -> None:
        posts = await asyncio.gather(*(create_post("Rush", "x") for _ in range(40)))
        assert len({post.slug for post in posts}) == 40
        await db.close()

    asyncio.run(main())


def test_many_processes_start_on_an_empty_database(database_url: str) -> None:
    program = "import asyncio; from lib.posts import list_posts; asyncio.run(list_posts(1, 1))"
    environment = {**os.environ, "DATABASE_URL": database_url}
    starts = [
        subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, env=environment, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(start.communicate()[1], start.returncode) for start in starts] == [(b"", 0)] * 4

    async def main() -> None:
        assert len(await list_posts(1, 100)) == 3
        await db.close()

    asyncio.run(main())


def test_deleted_posts_do_not_come_back_at_the_next_start(client: Client) -> None:
    for number in (1, 2, 3):
        client.delete(f"/api/posts/{number}")
    client.run(db.close())
    assert client.get("/api/posts").json()["data"] == []


def test_health(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = client.get("/api/health")
    assert (healthy.status, healthy.json()["status"]) == (200, "healthy")
    assert isinstance(healthy.json()["timestamp"], int)

    client.run(db.close())
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/nothing")
    sick = client.get("/api/health")
    assert (sick.status, sick.json()["status"]) == (503, "unhealthy")
    assert "secret" not in sick.text


@pytest.mark.parametrize(
    ("given", "effective"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
    ],
)
def test_database_urls(given: str, effective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert effective_url().render_as_string(hide_password=False) == effective


def test_without_a_url_the_posts_are_in_a_file_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert effective_url().database == str(PROJECT / "blog.db")


def test_public_files_and_the_page(client: Client) -> None:
    assert client.get("/robots.txt").text.startswith("User-agent")
    assert client.get("/blog.js").headers["content-type"].startswith("text/javascript")
    assert "<h1>Blog</h1>" in client.get("/").text


def test_main_is_an_asgi_application() -> None:
    program = "import asyncio, main; assert callable(main.app)"
    environment = {**os.environ, "REVALIDATION_SECRET": "only-for-this"}
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, env=environment, check=True, timeout=30)
