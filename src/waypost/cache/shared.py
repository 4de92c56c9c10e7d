"""What a shared store gives to the memory in front of it: entries with the generation up to which they were checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from waypost.cache.leases import Arbiter
from waypost.cache.shared_page import SharedPage
from waypost.cache.store import Fence, Found


class SharedStore(Arbiter, Protocol):
    """SQLite or Redis. Every method but open and close raises StoreUnavailable, within the store's time limit.

    page: where its revalidations are seen at once by all workers of the machine.
    sure_until: on the clock of time.monotonic(). Until then the page holds every revalidation that a hit must see;
    after it the store has to be asked.
    since: the generation from which on the page holds them. What was checked before has to be checked again. The
    page's epoch moves when it changes. latest: a generation up to which the page holds them all.
    """

    page: SharedPage
    sure_until: float
    since: int

    @property
    def latest(self) -> int: ...

    async def open(self) -> None:
        """Raises nothing: a store that is down is tried again."""
        ...

    async def close(self) -> None: ...

    async def read(self, key: str, have: Found | None = None) -> Found | None:
        """The entry, in one snapshot with its tags. have: what the caller holds; its body is not sent again."""
        ...

    async def now(self) -> Fence: ...
    async def delete(self, key: str) -> None: ...
    async def revalidate(self, tags: Sequence[str], stale_for: float) -> None: ...
