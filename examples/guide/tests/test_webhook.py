"""Guide: Webhook Handling."""

from __future__ import annotations

import json
import logging
import os
import time

import pytest
from waypost.testing import Client, ClientResponse
from waypost.webhooks import stripe

CHECKOUT = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": "cs_1"}}}


def send(client: Client, body: bytes, signature: str | None) -> ClientResponse:
    headers = {} if signature is None else {"Stripe-Signature": signature}
    return client.post("/api/webhooks/stripe", body=body, headers=headers)


def signed(body: bytes, **options: int) -> str:
    return stripe.sign(body, os.environ["STRIPE_WEBHOOK_SECRET"], **options)


def test_an_event_is_handled_once(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    body = json.dumps(CHECKOUT).encode()
    for _ in range(3):
        response = send(client, body, signed(body))
        assert (response.status, response.json()) == (200, {"received": True})
    assert caplog.text.count("fulfil the order of event evt_1") == 1


def test_what_stripe_did_not_sign(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    body = json.dumps({**CHECKOUT, "id": "evt_2"}).encode()
    now = int(time.time())
    forged = [
        None, "", "t=1,v1=", signed(body + b" "), stripe.sign(body, "whsec_another"),
        signed(body, timestamp=now - 400), signed(body, timestamp=now + 400),
        signed(body).replace("v1=", "v0="), f"{signed(body)},t={now}",
    ]  # fmt: skip
    for signature in forged:
        response = send(client, body, signature)
        assert (response.status, response.json()) == (400, {"error": "Invalid signature"}), signature
    assert "fulfil" not in caplog.text
    assert send(client, b"x" * 2_000_000, signed(b"x")).status == 413
