"""What a cache store is, for those who serve from one: get, set, revalidate, and one fill at a time.

A store has a clock of its own, the generation: a number that grows with each revalidation. An entry carries the
generation that was read before its fill began; it is good while none of its tags was revalidated after that. So a
revalidation during a fill can't be lost, and nothing needs the clocks of two machines to agree.
Knows no request, no route and no handler.

    entry = store.peek(key)                                  # memory, no I/O: surely fresh, or None
    if entry is None:
        found = await store.get(key)                         # asks the shared store
        if found is None:
            async with store.lease(key) as lease:            # one leader; the others wait here for what it stores
                if lease.found is None:
                    entry = await make()
                    await lease.store(entry)                 # False: refused, see Lease.store
        elif found.state == "stale":
            ...                                              # serve found.entry, refresh with lease(key, wait=False)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from waypost.cache.entry import Entry

NO_GENERATION = -1


@dataclass(frozen=True, slots=True)
class Fence:
    """A point in the store's own time; opaque to those who pass it on.

    era: which life of the store it belongs to; it ends with `:` or `x` and the generation at which it began. A store
    that lost its memory begins a new one, in which every older fence is refused.
    """

    era: str
    generation: int

    @property
    def beginning(self) -> Fence:
        """The first moment of this era: what is stored behind it is refused if a tag of it was ever revalidated."""
        start = self.era.replace(":", "x").rpartition("x")[2]
        return Fence(self.era, int(start)) if start.isdecimal() else NOWHERE

    def oldest(self, other: Fence) -> Fence:
        """The fence of a fill that used both: what invalidates either then invalidates the result."""
        if self.era != other.era:
            return NOWHERE
        return self if self.generation <= other.generation else other


NOWHERE = Fence("", NO_GENERATION)  # nothing is stored behind it


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that may be served, with its state when it was looked up.

    state: "fresh", or "stale": serve it and have one request refresh it. An entry that is gone is not found.
    The rest is for stores. filled: the fence of its fill. version: which writing of the key this is. checked: the
    generation up to which its tags were looked at. outdated: one of them was revalidated since the fill, which is
    why it is stale.
    """

    entry: Entry
    state: Literal["fresh", "stale"]
    filled: Fence
    version: int = 0
    checked: int = NO_GENERATION
    outdated: bool = False

    @property
    def fence(self) -> Fence:
        """The moment whose state of things the entry shows.

        A fill that builds on the entry stores behind the older of this and its own fence (`Lease.store(used=)`), else
        its result would look newer than what it was made of.
        """
        if self.outdated or self.checked < self.filled.generation:
            return self.filled
        return Fence(self.filled.era, self.checked)


class Lease(Protocol):
    """One turn at filling a key. Ends with its `async with` block; the others then go on.

    leader: this one fills, and nobody else does at the same time, on no machine of the store.
    found: what another turn has just stored (never None for a follower that got a result). Serve it, fill nothing.
    Neither: run the handler and store nothing. The leader had a result that can't be stored, or failed; or the store
    does not answer; or this task holds the same key already, and would wait for itself.
    """

    @property
    def leader(self) -> bool: ...
    @property
    def found(self) -> Found | None: ...

    async def store(self, entry: Entry, *, used: Iterable[Found] = ()) -> bool:
        """Store the result of the fill and end the turn. used: the cached entries that it was made of.

        False, and nothing stored: one of its tags was revalidated since the fill began, the lease was lost to
        another (its owner seemed dead), the entry is too large, the store does not answer, or this is no leader.
        The entry is right for the client that caused the fill in every case. Raises nothing.
        """
        ...

    async def postpone(self, seconds: float) -> None:
        """End the turn without a result, and let no `wait=False` turn begin for `seconds`.

        For a refresh that failed: the stale copy stays, and not every request tries again. Raises nothing.
        """
        ...


class Store(Protocol):
    """A cache store, one object for each worker. Keys are any text; equal texts are equal keys, and no others.

    StoreUnavailable, where it is named, comes within `cache_timeout`: the store is down, slow or broken. It never
    stands for a missing entry, and nothing wrong is ever given instead of it.
    """

    async def open(self) -> None:
        """Get ready, in the event loop that will use it. Raises nothing: a store that is down may come up later."""
        ...

    async def close(self) -> None:
        """Let go of everything. Safe to call twice, and without open()."""
        ...

    def peek(self, key: str) -> Entry | None:
        """The entry if it is in memory and surely fresh at this moment; None says nothing: ask get().

        No lock, no I/O, no await. "Surely" includes every revalidation that was acknowledged before the call on this
        machine, and on others up to 100 ms before it.
        """
        ...

    async def get(self, key: str) -> Found | None:
        """The entry, fresh or stale; None when there is none that may be served. Raises StoreUnavailable."""
        ...

    async def fence(self) -> Fence:
        """Now, in the store's time: take it before reading anything that goes into an entry.

        Only for set(); a lease has its own. Raises StoreUnavailable.
        """
        ...

    async def set(self, key: str, entry: Entry, fence: Fence) -> bool:
        """Store an entry that was made after `fence`. For those who fill without a lease, as a build does.

        False: refused, as one of its tags was revalidated since, or too large. Raises StoreUnavailable.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget one entry. Not for revalidation: a fill that runs may store it again. Raises StoreUnavailable."""
        ...

    async def revalidate(self, tags: Sequence[str], *, stale_for: float = 0.0) -> None:
        """Make every entry with one of these tags old. When this returns, every worker of the machine sees it.

        stale_for: 0.0, the next read finds nothing and has to wait for a fill. Otherwise entries are stale (served
        once more while one request refreshes) and gone when not refreshed after so many seconds; inf is never gone.
        Raises StoreUnavailable: not acknowledged, and it may or may not have happened.
        """
        ...

    def lease(self, key: str, *, wait: bool = True) -> AbstractAsyncContextManager[Lease]:
        """A turn at filling `key`, alone or after waiting for the one who fills. Entering raises nothing.

        wait: False for a refresh behind a stale copy. It does not wait: who is no leader and finds nothing has
        nothing to do, as somebody else is at it.
        """
        ...
