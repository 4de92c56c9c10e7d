"""Guide: In-Memory Rate Limiter; Production Rate Limiting with Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from waypost.ratelimit.redis_store import RedisStore
from waypost.testing import Client


@pytest.mark.parametrize(("path", "limit"), [("/api/generate", 5), ("/api/generate-many", 10)])
def test_a_limit(path: str, limit: int, client: Client) -> None:
    passed = [client.post(path) for _ in range(limit)]
    assert [response.status for response in passed] == [200] * limit
    assert [int(response.headers["x-ratelimit-remaining"]) for response in passed] == [*range(limit - 1, -1, -1)]

    # A header that anyone can write makes nobody someone else.
    refused = client.post(path, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (refused.status, refused.json()) == (429, {"error": "Too many requests"})
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-limit"] == str(limit)
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert time.time() <= int(refused.headers["x-ratelimit-reset"]) <= time.time() + 61


def test_the_limit_of_one_client_is_not_anothers(client: Client, connect: Callable[[], Client]) -> None:
    assert [client.post("/api/generate").status for _ in range(6)][-1] == 429
    assert connect().post("/api/generate").status == 200


def test_a_store_that_is_down(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.post("/api/generate-many").status == 200
    from lib.rate_limit_redis import rate_limiter

    assert isinstance(rate_limiter.store, RedisStore)
    client.run(rate_limiter.close())
    nowhere = RedisStore("redis://127.0.0.1:9/0")
    monkeypatch.setattr(rate_limiter, "store", nowhere)
    response = client.post("/api/generate-many")
    assert (response.status, response.json()) == (503, {"error": "Service unavailable"})
    client.run(nowhere.close())
