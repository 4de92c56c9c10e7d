"""How often. Guessing passwords fails closed when the counters can't be reached; the rest stays open."""

from __future__ import annotations

from waypost.ratelimit import RateLimiter
from waypost.ratelimit.store import open_store

from lib.auth import user_or_client
from lib.settings import RATELIMIT_URL

store = open_store(RATELIMIT_URL)

# By network: one client that tries many accounts.
sign_ins = RateLimiter(limit=20, window="1m", name="sign-ins", store=store, on_error="deny", timeout=1.0)
# By account: many clients that try one. High enough that nobody locks a neighbour out by a few wrong guesses.
accounts = RateLimiter(limit=100, window="1h", name="accounts", store=store, on_error="deny", timeout=1.0)
sign_ups = RateLimiter(limit=10, window="10m", name="sign-ups", store=store, on_error="deny", timeout=1.0)
uploads = RateLimiter(limit=60, window="1m", name="uploads", store=store, key=user_or_client)
generations = RateLimiter(
    limit=10, window="1m", algorithm="token-bucket", name="generations", store=store, key=user_or_client
)
# Stripe's are never so many; whoever forges them learns nothing and costs little.
webhooks = RateLimiter(limit=20_000, window="1m", name="webhooks", store=store)

ALL = (sign_ins, accounts, sign_ups, uploads, generations, webhooks)
