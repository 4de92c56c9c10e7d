"""Guide: Inline Auth Check; Reusable Higher-Order Handler."""

from __future__ import annotations

import os
from typing import Any

import pytest
from waypost.testing import Client

ADA = {"user": {"id": "1", "email": "ada@example.com"}}


@pytest.mark.parametrize("path", ["/api/profile", "/api/account"])
def test_who_is_asking(path: str, ada: Client, client: Client) -> None:
    assert (client.get(path).status, client.get(path).json()) == (401, {"error": "Unauthorized"})
    response = ada.get(path)
    assert response.json() == ADA
    assert response.headers["cache-control"] == "private, no-store"
    assert client.head(path).status == 401

    assert ada.delete("/api/login").status == 204
    assert ada.get(path).status == 401


def test_the_cookie(client: Client) -> None:
    body = {"email": "ada@example.com", "password": os.environ["DEMO_PASSWORD"]}
    cookie = client.post("/api/login", json=body).headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Path=/", "HttpOnly", "Secure", "SameSite=lax"} <= set(cookie.split("; "))


def test_tokens_that_are_none(ada: Client, client: Client) -> None:
    good = ada.cookies["__Host-session"]
    head, claims, signature = good.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    for token in (
        "",
        "x",
        good[:-4] + "AAAA",
        f"{head}.{claims}.",
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
    ):
        for path in ("/api/profile", "/api/account"):
            assert client.get(path, headers={"Cookie": f"__Host-session={token}"}).status == 401
    assert client.get("/api/profile", headers={"Cookie": f"__Host-session={good}"}).json() == ADA


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "ada@example.com", "password": "wrong"}, 401),
        ({"email": "nobody@example.com", "password": "wrong"}, 401),
        ({"email": "ada@example.com", "password": "\ud800"}, 400),
        ({"email": 1, "password": None}, 400),
        ({}, 400),
        ([], 400),
    ],
    ids=range(6),
)
def test_a_sign_in_that_fails(body: Any, status: int, client: Client) -> None:
    response = client.post("/api/login", json=body) if status == 401 else client.post("/api/login", body=repr(body))
    assert response.status in (status, 415)
    assert "set-cookie" not in response.headers


def test_passwords_are_not_tried_for_long(client: Client) -> None:
    body = {"email": "ada@example.com", "password": "wrong"}
    assert [client.post("/api/login", json=body).status for _ in range(11)] == [401] * 10 + [429]


def test_an_outage_is_no_401(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib import auth

    class Down(dict[str, auth.User]):
        def get(self, *arguments: object) -> Any:
            raise ConnectionError("the database does not answer")

    monkeypatch.setattr(auth, "USERS", Down())
    assert ada.get("/api/profile").status == 500
