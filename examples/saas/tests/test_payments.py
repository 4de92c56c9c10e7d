"""Webhooks into the ledger, and what the credits buy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from waypost.testing import Client

from tests.conftest import SignIn, deliver, payment


def balance(client: Client) -> tuple[int, list[tuple[int, str]]]:
    found = client.get("/api/credits?limit=100").json()
    return found["credits"], [(entry["amount"], entry["reason"]) for entry in found["data"]]


def test_a_payment_counts_once(client: Client, sign_in: SignIn) -> None:
    user = sign_in("ada")
    event = payment("evt_1", str(user["id"]), 500)
    outcomes = [deliver(client, event).json() for _ in range(3)]
    assert [outcome["outcome"] for outcome in outcomes] == ["applied", "duplicate", "duplicate"]
    assert balance(client) == (510, [(500, "payment"), (10, "welcome")])


def test_of_many_at_once_one_counts(client: Client, sign_in: SignIn) -> None:
    user = sign_in("ada")
    event = payment("evt_1", str(user["id"]), 500)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: deliver(client, event).json()["outcome"], range(16)))
    assert outcomes.count("applied") == 1
    assert outcomes.count("duplicate") == 15
    assert balance(client)[0] == 510


def test_what_stripe_did_not_sign_leaves_nothing(client: Client, sign_in: SignIn) -> None:
    user = sign_in("ada")
    event = payment("evt_forged", str(user["id"]), 500)
    assert deliver(client, event, secret="whsec_of_somebody_else").status == 400
    assert client.post("/api/webhooks/stripe", json=event).status == 400
    assert balance(client) == (10, [(10, "welcome")])
    assert deliver(client, event).json()["outcome"] == "applied", "its id was not used up"


ODD: list[Any] = [
    payment("evt", user)
    for user in (1, None, "", "0", "-1", "1.0", "١", "99999999999999999999", "2147483648", ["1"], {"id": 1}, "999999")
] + [payment("evt", "1", amount) for amount in (0, -5, 1.5, "5", None, True, 10**13, [5], 10**30)] + [
    {"id": "evt", "type": "checkout.session.completed"},
    {"id": "evt", "type": "checkout.session.completed", "data": []},
    {"id": "evt", "type": "checkout.session.completed", "data": {"object": None}},
    {"id": None, "type": "x"}, {"id": "", "type": "x"}, {"id": "e" * 256, "type": "x"}, {"id": "evt"},
    {"id": "a\x00b", "type": "x"}, {"id": "evt", "type": "x\x00"}, {"id": ["evt"], "type": "x"}, {},
]  # fmt: skip


def test_signed_events_that_are_not_what_they_should_be_are_set_aside(client: Client, sign_in: SignIn) -> None:
    sign_in("ada")
    for number, event in enumerate(ODD):
        if event.get("id") == "evt":
            event = {**event, "id": f"evt_{number}"}
        answer = deliver(client, event)
        assert (answer.status, answer.json()["outcome"]) == (200, "set aside"), event
    assert balance(client) == (10, [(10, "welcome")])


def test_other_events_are_acknowledged(client: Client, sign_in: SignIn) -> None:
    user = sign_in("ada")
    assert (
        deliver(client, {"id": "evt_1", "type": "invoice.created", "data": {"object": {}}}).json()["outcome"]
        == "ignored"
    )
    unpaid = payment("evt_2", str(user["id"]), 500, payment_status="unpaid")
    assert deliver(client, unpaid).json()["outcome"] == "ignored"
    assert balance(client)[0] == 10


def test_credits_are_spent_and_never_overspent(
    client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waypost.ratelimit.rule import Rule

    from lib.limits import generations

    sign_in("ada")
    monkeypatch.setattr(generations, "rule", Rule.of("token-bucket", 1000, 1))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.post("/api/generate", json={"prompt": f"Number {n}"}), range(14)))
    statuses = [answer.status for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (10, 4)
    assert sorted(answer.json()["credits"] for answer in answers if answer.status == 200) == list(range(10))
    left, entries = balance(client)
    assert left == 0 == sum(amount for amount, _ in entries)


def test_a_generation_that_fails_costs_nothing(
    client: Client, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    sign_in("ada")
    assert client.post("/api/generate", json={"prompt": "Hello"}).json()["credits"] == 9

    async def fails(prompt: str) -> str:
        raise RuntimeError("the model is out")

    route = importlib.import_module("app.api.generate.route")
    monkeypatch.setattr(route, "generate", fails)
    assert client.post("/api/generate", json={"prompt": "Hello"}).status == 500
    assert balance(client)[0] == 9


def test_generation_has_a_limit_for_each_user(client: Client, sign_in: SignIn) -> None:
    for name in ("ada", "bob"):
        user = sign_in(name)
        deliver(client, payment(f"evt_{name}", str(user["id"]), 100))
        answers = [client.post("/api/generate", json={"prompt": "Hello"}) for _ in range(12)]
        assert [answer.status for answer in answers[:10]] == [200] * 10
        refused = answers[-1]
        if refused.status == 200:  # a slow machine: a token came back meanwhile
            refused = next(
                a for a in (client.post("/api/generate", json={"prompt": "x"}) for _ in range(50)) if a.status != 200
            )
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 6
        assert refused.headers["x-ratelimit-limit"] == "10"
