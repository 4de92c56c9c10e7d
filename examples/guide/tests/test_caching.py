"""Guide: Static vs. Dynamic Behavior; Time-Based Revalidation; On-Demand Revalidation."""

from __future__ import annotations

import os
from typing import Any

import pytest
from waypost.testing import Client, ClientResponse

from tests.conftest import ExternalAPI


def revalidate(client: Client, body: Any, secret: str | None = None) -> ClientResponse:
    secret = os.environ["REVALIDATION_SECRET"] if secret is None else secret
    return client.post("/api/revalidate", json=body, headers={"Authorization": f"Bearer {secret}"})


def test_a_static_answer(client: Client) -> None:
    first, second = client.get("/api/config"), client.get("/api/config?x=1")
    assert first.json() == second.json() == {"version": "1.0.0", "features": ["dark-mode", "notifications"]}
    assert "stored" in first.headers["cache-status"]
    assert "hit" in second.headers["cache-status"]


def test_an_answer_that_is_kept_for_a_minute(client: Client, external: ExternalAPI) -> None:
    assert [client.get("/api/external").json() for _ in range(3)] == [{"entries": [1, 2]}] * 3
    assert external.asked == 1

    external.answer = b'{"entries": []}'
    assert client.get("/api/external").json() == {"entries": [1, 2]}
    response = revalidate(client, {"path": "/api/external"})
    assert (response.status, response.json()["revalidated"]) == (200, True)
    assert client.get("/api/external").json() == {"entries": []}


def test_a_failure_is_not_kept(client: Client, external: ExternalAPI) -> None:
    external.status = 500
    assert client.get("/api/external").status == 500
    external.status = 200
    assert client.get("/api/external").status == 200


@pytest.mark.parametrize("secret", ["", "x", "undefined", "null", "Bearer", "tests-only-revalidation-secre", "é"])
def test_a_wrong_secret(secret: str, client: Client) -> None:
    assert revalidate(client, {"path": "/api/external"}, secret).status == 401
    assert client.post("/api/revalidate", json={"path": "/", "secret": secret}).status == 401


@pytest.mark.parametrize(
    "body",
    [None, 1, "x", [], {}, {"tag": 1}, {"tag": []}, {"path": {}}, {"path": None}, {"tag": "x" * 257}, {"path": "x"}],
    ids=range(11),
)
def test_what_can_not_be_revalidated(body: Any, client: Client) -> None:
    assert revalidate(client, body).status == 400
    assert revalidate(client, {"tag": "posts"}).status == 200


def test_no_one_guesses_for_long(client: Client) -> None:
    statuses = [revalidate(client, {"tag": "a"}, "wrong").status for _ in range(61)]
    assert statuses == [401] * 60 + [429]
