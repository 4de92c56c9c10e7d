"""Guide: List and Create Posts; Read, Update, and Delete a Single Post."""

from __future__ import annotations

from typing import Any

import pytest
from waypost.testing import Client

NO_TITLES: list[Any] = [None, True, 1, 1.5, [], {}, "", "  ", "x" * 201, "a\x00b"]
NO_CONTENTS: list[Any] = [None, True, 1, [], {}, ""]
NO_POSTS: list[Any] = [
    1, "text", [], {}, {"title": "x"}, {"title": "x", "content": "y", "id": 7},
    *({"title": value, "content": "x"} for value in NO_TITLES),
    *({"title": "x", "content": value} for value in NO_CONTENTS),
]  # fmt: skip
NO_NUMBERS = ["0", "-1", "+1", "1.0", "10abc", "abc", "%201", "1_000", "9" * 30, "%D9%A1"]


def create(client: Client, title: str = "Hello, World!") -> dict[str, Any]:
    response = client.post("/api/posts", json={"title": title, "content": "Text"})
    assert response.status == 201
    post: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/api/posts/{post['id']}"
    return post


def test_from_first_to_last(ada: Client, client: Client) -> None:
    post = create(ada)
    place = f"/api/posts/{post['id']}"
    assert (post["title"], post["slug"], post["updatedAt"]) == ("Hello, World!", "hello-world", None)
    assert client.get(place).json() == post
    assert post in client.get("/api/posts?limit=100").json()["data"]

    updated = ada.put(place, json={"content": "Other"}).json()
    assert updated == {**post, "content": "Other", "updatedAt": updated["updatedAt"]}
    assert updated["updatedAt"] >= post["createdAt"]

    assert ada.delete(place).json() == {"message": "Post deleted"}
    for response in (client.get(place), ada.delete(place), ada.put(place, json={"title": "x"})):
        assert (response.status, response.json()) == (404, {"error": "Post not found"})


def test_pages(ada: Client) -> None:
    for number in range(3):
        create(ada, f"Page {number}")
    first, second = (ada.get(f"/api/posts?page={page}&limit=2").json() for page in (1, 2))
    assert (first["page"], first["limit"], len(first["data"])) == (1, 2, 2)
    assert first["data"][-1]["id"] < second["data"][0]["id"]
    assert ada.get("/api/posts?page=1000000&limit=100").json()["data"] == []


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_numbers_that_are_none(text: str, ada: Client) -> None:
    paths = [f"/api/posts?page={text}", f"/api/posts?limit={text}", f"/api/posts/{text}"]
    assert [ada.get(path).status for path in paths] == [400, 400, 400]
    assert ada.delete(f"/api/posts/{text}").status == 400
    assert ada.get("/api/posts?limit=101").status == 400


@pytest.mark.parametrize("body", NO_POSTS, ids=range(len(NO_POSTS)))
def test_bodies_that_are_no_post(body: Any, ada: Client) -> None:
    assert ada.post("/api/posts", json=body).status == 400
    if isinstance(body, dict) and body and body != {"title": "x"}:
        assert ada.put(f"/api/posts/{create(ada)['id']}", json=body).status == 400


def test_what_is_not_json(ada: Client) -> None:
    for body, kind, status in [("{oops", "application/json", 400), ("null", "application/json", 400)]:
        assert ada.post("/api/posts", body=body, headers={"Content-Type": kind}).status == status
    assert ada.post("/api/posts", body='{"title": "x", "content": "y"}').status == 415  # text/plain
    assert ada.post("/api/posts", json={"title": "x", "content": "y" * 2_000_000}).status == 413


def test_only_the_author_may_change_a_post(ada: Client, bob: Client, client: Client) -> None:
    place = f"/api/posts/{create(ada)['id']}"
    assert client.post("/api/posts", json={"title": "x", "content": "y"}).status == 401
    assert [client.put(place, json={"title": "x"}).status, client.delete(place).status] == [401, 401]
    assert [bob.put(place, json={"title": "x"}).status, bob.delete(place).status] == [403, 403]
    assert client.get(place).json()["title"] == "Hello, World!"


def test_columns_that_are_not_the_clients(ada: Client) -> None:
    post = create(ada)
    for name in ("id", "author_id", "authorId", "slug", "created_at", "createdAt", "__class__"):
        assert ada.put(f"/api/posts/{post['id']}", json={name: "2"}).status == 400
    assert ada.get(f"/api/posts/{post['id']}").json() == post


@pytest.mark.parametrize("title", ["../../etc/passwd", "!!!", "Ünï cödé", "<script>"])
def test_slugs(title: str, ada: Client) -> None:
    slug = create(ada, title)["slug"]
    assert slug
    assert not set(slug) & set("./<> ")


def test_another_sites_page_can_not_post(ada: Client) -> None:
    body = {"title": "x", "content": "y"}
    assert ada.post("/api/posts", json=body, headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert ada.post("/api/posts", json=body, headers={"Origin": "https://evil.example"}).status == 403
