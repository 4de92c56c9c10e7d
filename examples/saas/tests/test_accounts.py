"""Signing up, in and out, and what an account may do to itself."""

from __future__ import annotations

import statistics
import time

import pytest
from waypost.testing import Client

from tests.conftest import PASSWORD, SignIn

WRONG = {"error": "Wrong email or password"}


def test_from_signing_up_to_signing_out(client: Client) -> None:
    assert client.get("/api/profile").status == 401
    account = {"email": " Ada@Example.com ", "name": "Ada", "password": PASSWORD}
    assert client.post("/api/register", json=account).status == 202
    assert client.get("/api/profile").status == 401, "an account is no session"
    answer = client.post("/api/login", json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status == 200
    assert (answer.json()["email"], answer.json()["role"], answer.json()["credits"]) == ("ada@example.com", "user", 10)
    assert "__Host-session=" in answer.headers.get_set_cookie()[0]
    assert client.get("/api/profile").json()["name"] == "Ada"
    assert client.get("/api/profile").headers["cache-control"] == "private, no-store"
    assert client.patch("/api/profile", json={"name": "Ada L."}).json()["name"] == "Ada L."
    assert client.delete("/api/login").status == 204
    assert client.get("/api/profile").status == 401


def test_what_anybody_can_learn_about_an_account(client: Client, sign_in: SignIn) -> None:
    """Nothing: signing up answers alike for a taken address, signing in for nobody and for a wrong password."""
    sign_in("ada")
    client.cookies.clear()
    again = {"email": "ada@example.com", "name": "Eve", "password": "another password"}
    fresh = {"email": "eve@example.com", "name": "Eve", "password": "another password"}
    answers = [client.post("/api/register", json=account) for account in (again, fresh)]
    assert answers[0].status == answers[1].status == 202
    assert answers[0].content == answers[1].content
    for email, password in (("nobody@example.com", PASSWORD), ("ada@example.com", "another password")):
        answer = client.post("/api/login", json={"email": email, "password": password})
        assert (answer.status, answer.json()) == (401, WRONG)
        assert answer.headers.get_set_cookie() == []
    assert sign_in("ada")["name"] == "Ada", "the password that was there still is"


def test_nobody_takes_as_long_as_somebody(client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    from lib import passwords

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    sign_in("ada")
    seconds: dict[str, list[float]] = {"ada": [], "nobody": []}
    for _ in range(5):
        for name, times in seconds.items():
            began = time.perf_counter()
            client.post("/api/login", json={"email": f"{name}@example.com", "password": "a wrong password"})
            times.append(time.perf_counter() - began)
    fast, slow = sorted(statistics.median(times) for times in seconds.values())
    # Without the comparison nobody would be answered in a small part of the time.
    assert slow < 2 * fast


def test_a_session_is_not_carried_over(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    first = client.cookies["__Host-session"]
    client.post("/api/login", json={"email": "ada@example.com", "password": PASSWORD})
    second = client.cookies["__Host-session"]
    assert first != second
    client.cookies.clear()
    assert client.get("/api/profile", headers={"cookie": f"__Host-session={first}"}).status == 401
    assert client.get("/api/profile", headers={"cookie": f"__Host-session={second}"}).status == 200
    chosen = f"__Host-session={'a' * 43}"
    answer = client.post(
        "/api/login", json={"email": "ada@example.com", "password": PASSWORD}, headers={"cookie": chosen}
    )
    assert chosen not in answer.headers.get_set_cookie()[0]


def test_a_new_password_ends_every_other_session(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    elsewhere = client.cookies["__Host-session"]
    sign_in("ada")
    wrong = client.put("/api/profile/password", json={"current": "not that one", "new": "a longer new password"})
    assert wrong.status == 403
    answer = client.put("/api/profile/password", json={"current": PASSWORD, "new": "a longer new password"})
    assert answer.status == 204
    assert client.get("/api/profile").status == 200
    assert client.get("/api/profile", headers={"authorization": f"Bearer {elsewhere}"}).status == 401
    client.cookies.clear()
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert client.post("/api/login", json=login).json() == WRONG
    assert client.post("/api/login", json={**login, "password": "a longer new password"}).status == 200


def test_no_session_begins_with_a_password_that_was_changed_while_it_was_looked_at(
    client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib import users
    from lib.passwords import matches

    sign_in("ada")
    changes: list[bool] = []

    async def slowly(password: str, password_hash: str | None) -> bool:
        right = await matches(password, password_hash)
        if not changes:
            changes.append(True)
            user = await users.get_user(1)
            assert user is not None
            assert await users.change_password(user, PASSWORD, "a longer new password") is not None
        return right

    monkeypatch.setattr(users, "matches", slowly)
    client.cookies.clear()
    answer = client.post("/api/login", json={"email": "ada@example.com", "password": PASSWORD})
    assert (answer.status, answer.json()) == (401, WRONG)
    assert "__Host-session" not in client.cookies


def test_another_site_can_neither_sign_in_nor_change_anything(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    login = {"email": "ada@example.com", "password": PASSWORD}
    assert client.post("/api/login", json=login, headers=foreign).status == 403
    assert client.patch("/api/profile", json={"name": "Eve"}, headers=foreign).status == 403
    assert client.post("/api/generate", json={"prompt": "x"}, headers=foreign).status == 403
    assert client.delete("/api/login", headers=foreign).status == 403
    assert client.get("/api/profile").json()["name"] == "Ada"


def test_guessing_has_a_limit(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    statuses = []
    for number in range(25):
        # A header that anybody can set buys no further tries.
        headers = {"x-forwarded-for": f"198.51.100.{number}"}
        guess = {"email": "ada@example.com", "password": f"guess number {number}"}
        statuses.append(client.post("/api/login", json=guess, headers=headers).status)
    assert statuses.count(401) == 19, "one of twenty was the sign-in above"
    assert statuses[-1] == 429


def test_an_account_has_a_limit_from_everywhere(client: Client, sign_in: SignIn) -> None:
    from lib.limits import accounts

    sign_in("ada")

    async def use_up() -> None:
        assert (await accounts.limit("ada@example.com", cost=accounts.rule.limit - 1)).success

    client.run(use_up())
    answer = client.post("/api/login", json={"email": "ADA@example.com", "password": PASSWORD})
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    sign_in("bob")


def test_passwords_are_stored_as_argon2id_and_renewed(
    client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher
    from sqlalchemy import select

    from lib import passwords
    from lib.db import db
    from lib.schema import User

    async def stored() -> str:
        async with db.reading() as session:
            found: str = (await session.scalars(select(User.password_hash))).one()
            return found

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8192))
    sign_in("ada")
    weak = client.run(stored())
    assert weak.startswith("$argon2id$v=19$m=8192")
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    sign_in("ada")
    strong = client.run(stored())
    assert strong.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    sign_in("ada")
    assert client.run(stored()) == strong


def test_a_database_that_is_down_signs_nobody_out(
    client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib.db import db

    sign_in("ada")
    client.run(db.close())
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    answer = client.get("/api/profile")
    assert answer.status == 500
    assert "127.0.0.1" not in answer.text
    assert client.get("/api/health").status == 503
    assert client.post("/api/login", json={"email": "ada@example.com", "password": PASSWORD}).status == 500
    client.run(db.close())
