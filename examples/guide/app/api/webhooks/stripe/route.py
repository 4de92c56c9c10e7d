"""Guide: Webhook Handling."""

from __future__ import annotations

import logging

from waypost import Request, Response
from waypost.webhooks import stripe
from waypost.webhooks.replay import SQLiteReplay

from lib.settings import DATA, secret

log = logging.getLogger(__name__)
verify = stripe.Verifier(secret("STRIPE_WEBHOOK_SECRET"))
seen = SQLiteReplay(DATA / "webhooks.db")


async def POST(request: Request) -> Response:
    event = await verify(request)  # over the bytes as they came; anything unsigned is 400
    async with seen.once(event["id"]) as first:
        if first:
            match event["type"]:
                case "checkout.session.completed":
                    log.info("fulfil the order of event %s", event["id"])
                case "invoice.payment_failed":
                    log.info("notify the customer of event %s", event["id"])
    return Response.json({"received": True})
