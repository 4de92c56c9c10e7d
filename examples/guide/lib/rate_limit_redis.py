"""Guide: Production Rate Limiting with Redis. `WAYPOST_RATELIMIT_URL=redis://host:6379/0`; without it memory."""

from __future__ import annotations

from waypost.ratelimit import RateLimiter

# When the store is down a paid service should rather be closed than open.
rate_limiter = RateLimiter(limit=10, window="1m", algorithm="sliding-window", name="generate-many", on_error="deny")
