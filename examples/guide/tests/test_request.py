"""Guide: Query Parameters; JSON Body; Headers and Cookies."""

from __future__ import annotations

import pytest
from waypost.testing import Client


def titles(client: Client, query: str) -> list[str]:
    response = client.get(f"/api/search?{query}")
    assert response.status == 200
    return [post["title"] for post in response.json()["data"]]


def test_search(ada: Client) -> None:
    for title, content in [("Query one", "#python"), ("Query two", "#python #web"), ("50% query_", "-")]:
        ada.post("/api/posts", json={"title": title, "content": content})
    assert titles(ada, "q=Query&sort=title&tag=python") == ["Query one", "Query two"]
    assert titles(ada, "q=Query&sort=date&tag=python&tag=web") == ["Query two"]
    assert titles(ada, "q=50%25") == ["50% query_"]  # a percent sign is a percent sign
    assert titles(ada, "q=%27%3B+DROP+TABLE+posts%3B--") == []


@pytest.mark.parametrize("query", ["sort=id", "sort=title;drop", f"q={'x' * 101}", "&".join(["tag=a"] * 11)])
def test_searches_that_are_none(query: str, client: Client) -> None:
    assert client.get(f"/api/search?{query}").status == 400


def test_json_body(client: Client) -> None:
    assert client.post("/api/messages", json={"text": "Hello"}).json() == {"length": 5}
    for body in ("", "{oops", "null", "1", '"x"', "[]", "{}", '{"text": 1}', '{"text": null}', '{"text": []}'):
        assert client.post("/api/messages", body=body).status == 400, body
    assert client.post("/api/messages", json={"text": "x" * 20_000}).status == 413


def test_headers_and_cookies(client: Client) -> None:
    response = client.get("/api/session", headers={"User-Agent": "a" * 500, "Authorization": "Bearer s3cret"})
    assert response.json() == {"hasCredentials": True, "userAgent": "a" * 200}
    with_cookie = client.get("/api/session", headers={"Cookie": "__Host-session=s3cret"})
    assert with_cookie.json() == {"hasCredentials": True, "userAgent": ""}
    assert "s3cret" not in response.text + with_cookie.text
    assert client.get("/api/session").json() == {"hasCredentials": False, "userAgent": ""}
    assert response.headers["cache-control"] == "private, no-store"
