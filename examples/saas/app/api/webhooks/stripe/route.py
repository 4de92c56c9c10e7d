"""/api/webhooks/stripe: payments."""

from __future__ import annotations

from waypost import Request, Response
from waypost.webhooks import stripe

from lib.ledger import record
from lib.limits import webhooks
from lib.settings import secrets_of

verify = stripe.Verifier(secrets_of("STRIPE_WEBHOOK_SECRET"))


@webhooks
async def POST(request: Request) -> Response:
    """Take an event that Stripe signed. 200 says that it is in the database, and that it will be there once."""
    event = await verify(request)
    return Response.json({"received": True, "outcome": await record(event)})
