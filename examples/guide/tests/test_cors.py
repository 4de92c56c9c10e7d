"""Guide: Per-Route CORS; Global CORS via Middleware."""

from __future__ import annotations

import pytest
from waypost.testing import Client, ClientResponse

FRONTEND, OTHER = "https://your-frontend.com", "https://other-frontend.com"


def preflight(client: Client, path: str, origin: str, method: str = "GET") -> ClientResponse:
    return client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": method})


def test_one_route_has_its_own_policy(client: Client) -> None:
    response = client.get("/api/public", headers={"Origin": OTHER})
    assert response.headers["access-control-allow-origin"] == OTHER
    asked = preflight(client, "/api/public", OTHER)
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, OTHER)
    assert asked.headers["access-control-allow-headers"] == "Content-Type, Authorization"
    # The policy of the whole application allows this one, and the route does not.
    assert "access-control-allow-origin" not in client.get("/api/public", headers={"Origin": FRONTEND}).headers


@pytest.mark.parametrize("path", ["/api/posts", "/api/posts/1000000", "/api/profile", "/api/config", "/api/nothing"])
def test_every_answer_below_api_can_be_read(path: str, client: Client) -> None:
    response = client.get(path, headers={"Origin": FRONTEND})
    assert response.headers["access-control-allow-origin"] == FRONTEND
    assert "Origin" in response.headers["vary"]


def test_preflights(client: Client) -> None:
    response = preflight(client, "/api/posts/1", FRONTEND, "PUT")
    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == FRONTEND
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert preflight(client, "/api/nothing", FRONTEND).status == 404


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://your-frontend.com.evil.example", "http://your-frontend.com"]
)
def test_other_origins_read_nothing(origin: str, client: Client) -> None:
    for response in (client.get("/api/posts", headers={"Origin": origin}), preflight(client, "/api/posts", origin)):
        assert "access-control-allow-origin" not in response.headers
        assert "Origin" in response.headers["vary"]  # a cache must not give one origin's answer to another


def test_outside_of_api_there_is_none(client: Client) -> None:
    assert "access-control-allow-origin" not in client.get("/chat", headers={"Origin": FRONTEND}).headers
