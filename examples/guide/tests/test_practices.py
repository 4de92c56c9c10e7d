"""Guide: Production Best Practices."""

from __future__ import annotations

import time
from typing import Any

import pytest
from waypost.testing import Client

from tests.conftest import ExternalAPI


def test_a_body_that_fits(ada: Client) -> None:
    response = ada.post("/api/drafts", json={"title": "Draft", "content": "Text", "tags": ["a", "b-2"]})
    assert response.status == 201
    assert response.json()["content"] == "Text #a #b-2"


def test_every_issue_is_told_and_no_value_repeated(ada: Client) -> None:
    response = ada.post("/api/drafts", json={"title": 5, "tags": ["ok", "NOT ok"], "hobby": "secret"})
    assert (response.status, response.json()["error"]) == (400, "Validation failed")
    issues = response.json()["issues"]
    assert sorted(".".join(map(str, issue["path"])) for issue in issues) == ["content", "hobby", "tags.1", "title"]
    assert "secret" not in response.text
    many = ada.post("/api/drafts", json={f"field {number}": 1 for number in range(500)})
    assert len(many.json()["issues"]) <= 50


@pytest.mark.parametrize("field", ["title", "content", "tags"])
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "", {}, [1], [[]], [None]], ids=range(9))
def test_every_type_in_every_field(field: str, value: Any, ada: Client) -> None:
    body = {"title": "x", "content": "y", "tags": [], field: value}
    assert ada.post("/api/drafts", json=body).status == 400


def test_errors(client: Client, external: ExternalAPI) -> None:
    assert client.get("/api/report").json() == {"entries": 2}

    external.status = 500
    expected = client.get("/api/report")
    assert (expected.status, expected.json()) == (503, {"error": "Try again later"})
    assert expected.headers["retry-after"] == "30"

    external.status, external.answer = 200, b'{"unexpected": "s3cret"}'
    bug = client.get("/api/report")
    assert (bug.status, bug.json()["error"]) == (500, "Internal server error")
    assert set(bug.json()) == {"error", "id"}


def test_health(client: Client) -> None:
    response = client.get("/api/health").json()
    assert response["status"] == "healthy"
    assert abs(response["timestamp"] / 1000 - time.time()) < 60


def test_work_after_the_answer(ada: Client, bob: Client) -> None:
    accepted = ada.post("/api/exports")
    assert accepted.status == 202
    place = accepted.headers["location"]
    deadline = time.monotonic() + 10
    while not (export := ada.get(place).json())["done"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(export["posts"], int)
    assert bob.get(place).status == 404
    assert ada.get("/api/exports/x").status == 400


def test_main_is_an_asgi_application() -> None:
    import main

    assert callable(main.app)
