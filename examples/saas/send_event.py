"""Play Stripe on your own machine: python send_event.py USER_ID CENTS [URL].

Signs a payment with the secret of this checkout and sends it, as Stripe would.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import urllib.request

os.environ.setdefault("APP_ENV", "development")

from waypost.webhooks import stripe

from lib.settings import secrets_of


def main(user: str, cents: str, url: str = "http://localhost:3000/api/webhooks/stripe") -> None:
    checkout = {"client_reference_id": user, "amount_total": int(cents), "payment_status": "paid"}
    event = {"id": f"evt_{secrets.token_hex(12)}", "type": "checkout.session.completed", "data": {"object": checkout}}
    body = json.dumps(event).encode()
    signature = stripe.sign(body, secrets_of("STRIPE_WEBHOOK_SECRET")[0])
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        print(answer.read().decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
