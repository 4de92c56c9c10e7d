"""Guide: In-Memory Rate Limiter. Bounded, and forgets who has been quiet."""

from __future__ import annotations

from waypost.ratelimit import RateLimiter


def rate_limit(limit: int = 10, window: str = "1m") -> RateLimiter:
    return RateLimiter(limit=limit, window=window, store="memory:")
