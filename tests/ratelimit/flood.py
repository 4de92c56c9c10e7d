"""One of several processes that use up one limit: prints how many of its hits passed.

usage: flood.py STORE HITS LIMIT START, where START is the Unix time at which all of them begin
"""

from __future__ import annotations

import asyncio
import sys
import time

from waypost.ratelimit import RateLimiter


async def main(store: str, hits: int, limit: int, start: float) -> None:
    limiter = RateLimiter(limit=limit, window="5m", store=store, name="flood", on_error="deny", timeout=30)
    await asyncio.sleep(max(0.0, start - time.time()))
    results = []
    for _ in range(hits // 25):
        results += await asyncio.gather(*(limiter.limit("all") for _ in range(25)))
    assert not any(result.degraded for result in results)
    print(sum(result.success for result in results))
    await limiter.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
