"""Rate limits: how often one client may ask.

from waypost.ratelimit import RateLimiter

limiter = RateLimiter(limit=10, window="1m")
POST = limiter(handler)
"""

from __future__ import annotations

from waypost.ratelimit.keys import client_key
from waypost.ratelimit.limiter import RateLimiter, Result
from waypost.ratelimit.memory_store import MemoryStore
from waypost.ratelimit.sqlite_store import SQLiteStore

__all__ = ["MemoryStore", "RateLimiter", "Result", "SQLiteStore", "client_key"]
