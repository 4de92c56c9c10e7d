"""What the API answers to everything else: 4xx, never 500, and never a change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waypost.testing import Client

from tests.conftest import PASSWORD, SignIn

NOT_INTEGERS = [
    "0", "-1", "-0", "+1", "1.0", "1e3", "0x10", "1_000", "１", "١", "", "null", "true", "NaN", "10abc", " 1",
    "9" * 19, "9" * 5000, str(2**31), str(2**63), str(-(2**63) - 1),
]  # fmt: skip
NOT_JSON: list[bytes] = [
    b"", b" ", b"{", b"[1,]", b"NaN", b"'a'", b"\xff", b"[" * 100_000, b"1" * 100_000, b'{"email": "\\ud800"}',
]  # fmt: skip
ROUTES = [
    ("POST", "/api/register"), ("POST", "/api/login"), ("PATCH", "/api/profile"), ("PUT", "/api/profile/password"),
    ("POST", "/api/generate"), ("PATCH", "/api/admin/users/2"),
]  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "/api/register": {"email": "new@example.com", "name": "New", "password": PASSWORD},
    "/api/login": {"email": "ada@example.com", "password": PASSWORD},
    "/api/profile": {"name": "Ada"},
    "/api/profile/password": {"current": PASSWORD, "new": PASSWORD},
    "/api/generate": {"prompt": "Hello"},
    "/api/admin/users/2": {"role": "user"},
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@pytest.fixture
def open_client(client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An administrator's, with limits that these tests do not reach."""
    from waypost.ratelimit.rule import Rule

    from lib.limits import ALL

    sign_in("bob")
    sign_in("ada", admin=True)
    for limiter in ALL:
        monkeypatch.setattr(limiter, "rule", Rule.of("fixed-window", 1_000_000, 1))
        monkeypatch.setattr(limiter, "name", f"{limiter.name}:open")
    return client


def test_bodies_that_are_none(open_client: Client) -> None:
    for method, path in ROUTES:
        for body in NOT_JSON:
            answer = open_client.request(method, path, body=body, headers={"content-type": "application/json"})
            assert answer.status == 400, (path, body[:20], answer.text)
            assert isinstance(answer.json()["error"], str)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json", ""):
            answer = open_client.request(method, path, body=b"{}", headers={"content-type": kind} if kind else {})
            assert answer.status == 415, (path, kind)


def test_fields_of_every_kind(open_client: Client) -> None:
    odd: list[Any] = [None, True, 1, 1.5, -1, 2**70, [], {}, ["x"], {"a": 1}, "", "a\x00b", "x" * 300_000]
    foreign = ("role", "credits", "id", "disabled", "password_hash", "isAdmin", "__proto__", "__class__")
    for method, path in ROUTES:
        good = GOOD[path]
        for name in good:
            expected = (400, 401, 403) if name in ("password", "current", "new") else (400,)
            for value in odd:
                answer = open_client.request(method, path, json={**good, name: value})
                assert answer.status in expected, (path, name, value, answer.text)
        for name in foreign:
            if name not in good:
                assert open_client.request(method, path, json={**good, name: 1}).status == 400, (path, name)
    assert open_client.get("/api/profile").json()["credits"] == 10


def test_numbers_that_are_none(open_client: Client) -> None:
    for path in ("/api/admin/users", "/api/admin/ledger", "/api/credits"):
        for text in NOT_INTEGERS:
            for name in ("page", "limit"):
                assert open_client.get(f"{path}?{name}={quoted(text)}").status == 400, text
        assert open_client.get(f"{path}?page=1000000&limit=100").json()["data"] == []


def test_ids_that_are_none(open_client: Client) -> None:
    for text in filter(None, NOT_INTEGERS):
        answer = open_client.patch(f"/api/admin/users/{quoted(text)}", json={"role": "user"})
        assert answer.status == 400, text


EMAILS = [
    "", "a", "a@", "@b.co", "a@b", "a b@example.com", "a@exa mple.com", "a@example.com\r\nBcc: x@y.zz", "ä@example.com",
    "a@exämple.com", "adm\u0131n@example.com", "a@example.com.", "a@-example.com", "a" * 65 + "@example.com",
    "a@" + "b" * 300 + ".com", "a@example.com,b@example.com", "<a@example.com>", "a\x00@example.com",
]  # fmt: skip


def test_addresses_that_are_none(open_client: Client) -> None:
    for email in EMAILS:
        account = {"email": email, "name": "x", "password": PASSWORD}
        assert open_client.post("/api/register", json=account).status == 400, email


@given(body=JSON_VALUES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_at_all(open_client: Client, body: Any) -> None:
    for method, path in ROUTES:
        answer = open_client.request(
            method, path, body=json.dumps(body).encode(), headers={"content-type": "application/json"}
        )
        assert answer.status == 400
