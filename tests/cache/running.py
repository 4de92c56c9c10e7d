"""A Caching over a store in memory, on a loop of its own: what tests of cached code stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from waypost.cache.caching import Caching
from waypost.cache.memory_store import MemoryStore
from waypost.cache.store import Store


def with_caching(test: Callable[[Caching], Awaitable[Any]], *, store: Store | None = None, **options: Any) -> Any:
    """Run `test` with a Caching that is open; cached() and revalidate_tag() find it."""

    async def run() -> Any:
        caching = Caching(**options)
        caching.start(lambda: store or MemoryStore(1 << 22, 1000))
        await caching.open()
        try:
            return await test(caching)
        finally:
            await caching.close(5)

    return asyncio.run(run())
