"""Webhooks: proof that a request comes from who it says, over the bytes as they came.

from waypost.webhooks import InvalidSignature, stripe

event = await stripe.verify(request, secret=os.environ["STRIPE_WEBHOOK_SECRET"])
"""

from __future__ import annotations

from waypost.webhooks.signature import InvalidSignature

__all__ = ["InvalidSignature"]
