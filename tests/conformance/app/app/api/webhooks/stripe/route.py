"""The guide's Stripe webhook."""

from __future__ import annotations

import os

from waypost import Request, Response
from waypost.webhooks import InvalidSignature, stripe

ACTIONS = {"checkout.session.completed": "fulfilled", "invoice.payment_failed": "notified"}


async def POST(request: Request) -> Response:
    try:
        event = await stripe.verify(request, secret=os.environ["STRIPE_WEBHOOK_SECRET"])
    except InvalidSignature:
        return Response.json({"error": "Invalid signature"}, status=400)
    return Response.json({"received": True}, headers={"x-action": ACTIONS.get(event["type"], "ignored")})
