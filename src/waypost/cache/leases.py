"""One fill for each key: who asks first leads, the others of this process wait for it, and so do other processes.

Waiters of one process meet in a Flight; only the first of them asks the store for the lease, which is what keeps
other processes and machines out. A lease ends by itself when its owner is gone. Knows no handler and no request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context, ContextVar
from types import TracebackType
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from waypost.cache.entry import Entry
from waypost.cache.store import NOWHERE, Fence, Found
from waypost.errors import StoreUnavailable

logger = logging.getLogger("waypost.cache")

# What waiters do when the one they waited for is done: read what it stored, try again, or run on their own.
Outcome: TypeAlias = Literal["stored", "again", "alone"]

FIRST_POLL: Final = 0.004  # seconds between two questions whether another process has finished; grows to
LAST_POLL: Final = 0.05
# A fill that waits for another key's fill, which waits for this one, would wait for ever.
NESTED_PATIENCE: Final = 10.0


class Claim(NamedTuple):
    """The store's answer to one who wants to fill a key.

    token: of the lease, 0 when it was not granted. fence: of the moment it was granted. found: a fresh entry that is
    there already, so that nothing is to be filled.
    """

    token: int = 0
    fence: Fence = NOWHERE
    found: Found | None = None


class Arbiter(Protocol):
    """What grants leases and takes results: a shared store. All but renew and release raise StoreUnavailable."""

    lease_time: float
    """Seconds after which a lease that is not renewed is free; 0 when none can outlive its owner."""

    async def claim(self, key: str, wait: bool) -> Claim: ...
    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        """Store, and end the lease of `token`; None when refused. A token of 0 is no lease."""
        ...

    async def renew(self, key: str, token: int) -> bool:
        """Hold the lease longer; False when it is lost."""
        ...

    async def release(self, key: str, token: int, postpone: float) -> None:
        """End the lease; for `postpone` seconds refuse claims that do not wait."""
        ...


class Flight:
    """A turn of this process, which others of this process wait for."""

    __slots__ = ("_ended", "outcome")

    def __init__(self) -> None:
        self._ended = asyncio.Event()
        self.outcome: Outcome = "again"

    def end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._ended.set()

    async def wait(self) -> Outcome:
        await self._ended.wait()
        return self.outcome


_held: ContextVar[tuple[Turn, ...]] = ContextVar("waypost_cache_turns", default=())


def carry_turns(context: Context) -> None:
    """Let a task in `context` know of the turns that the caller holds, so that it does not wait for one of them."""
    if held := _held.get():
        context.run(_held.set, held)


class Turn:
    """One use of `Store.lease`; see store.Lease."""

    __slots__ = ("_claim", "_flight", "_open", "_renewal", "_turns", "found", "key", "leader", "wait")

    def __init__(self, turns: Turns, key: str, wait: bool) -> None:
        self.key = key
        self.wait = wait
        self.leader = False
        self.found: Found | None = None
        self._turns = turns
        self._claim = Claim()
        self._flight: Flight | None = None
        self._open = False
        self._renewal: asyncio.TimerHandle | asyncio.Task[None] | None = None

    async def __aenter__(self) -> Turn:
        outer = _held.get()
        # A task that was started inside a fill has inherited the fill's turns; some may have ended since.
        nested = [turn for turn in outer if turn._open]
        if any(turn.key == self.key and turn._turns is self._turns for turn in nested):
            return self
        if nested and self.wait:
            try:
                async with asyncio.timeout(NESTED_PATIENCE):
                    await self._begin()
            except TimeoutError:
                logger.warning("a cached fill waited %g s for another and goes on without it", NESTED_PATIENCE)
        else:
            await self._begin()
        if self.leader:
            self._open = True
            _held.set((*nested, self))
            self._renew_later()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Who is cancelled has lost its client; the next in line does the work. Who failed has found out that the work
        # can't be done, and a queue of those who find it out one by one would be as long as all of them together.
        await self._end("again" if isinstance(error, asyncio.CancelledError | GeneratorExit) else "alone")

    # -- beginning

    async def _begin(self) -> None:
        flights = self._turns.flights
        while True:
            flight = flights.get(self.key)
            if flight is None:
                flights[self.key] = self._flight = flight = Flight()
                try:
                    await self._contend()
                except BaseException:
                    self._land("again")
                    raise
                return
            if not self.wait or await flight.wait() == "alone":
                return
            try:
                found = await self._turns.look_up(self.key)
            except StoreUnavailable:
                return
            # Not what the leader stored as it was then: it may have been revalidated before this request began. One
            # that is stale by time alone is good, as the next one would be no younger.
            if found is not None and not found.outdated:
                self.found = found
                return

    async def _contend(self) -> None:
        pause = FIRST_POLL
        while True:
            try:
                claim = await self._turns.arbiter.claim(self.key, self.wait)
            except StoreUnavailable:
                self._land("alone")
                return
            if claim.token:
                self._claim = claim
                self.leader = True
                return
            if claim.found is not None:
                self.found = claim.found
                self._turns.keep(self.key, claim.found)
                self._land("stored")
                return
            if not self.wait:
                self._land("again")
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LAST_POLL)

    # -- ending

    def _land(self, outcome: Outcome) -> None:
        flight, self._flight = self._flight, None
        if flight is not None:
            del self._turns.flights[self.key]
            flight.end(outcome)

    async def _end(self, outcome: Outcome, postpone: float = 0.0) -> None:
        if not self._open:
            return
        self._close()
        try:
            await self._turns.arbiter.release(self.key, self._claim.token, postpone)
        finally:
            self._land(outcome)

    def _close(self) -> None:
        self._open = False
        self.leader = False
        _held.set(tuple(turn for turn in _held.get() if turn is not self))
        if self._renewal is not None:
            self._renewal.cancel()

    async def store(self, entry: Entry, *, used: Iterable[Found] = ()) -> bool:
        """See store.Lease."""
        if not self._open:
            return False
        fence = self._claim.fence
        for part in used:
            fence = fence.oldest(part.fence)
        try:
            found = await self._turns.arbiter.put(self.key, entry, fence, self._claim.token)
        except StoreUnavailable:
            await self._end("alone")
            return False
        except ValueError as error:
            logger.warning("an answer can't be stored: %s", error)
            await self._end("alone")
            return False
        if found is None:
            await self._end("again")
            return False
        self._close()
        self._turns.keep(self.key, found)
        self._land("stored")
        return True

    async def postpone(self, seconds: float) -> None:
        """See store.Lease."""
        await self._end("alone", seconds)

    # -- holding

    def _renew_later(self) -> None:
        lease_time = self._turns.arbiter.lease_time
        if lease_time:
            loop = asyncio.get_running_loop()
            self._renewal = loop.call_later(lease_time / 4, self._renew_now)

    def _renew_now(self) -> None:
        self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        held = await self._turns.arbiter.renew(self.key, self._claim.token)
        if held and self._open:
            self._renew_later()


class Turns:
    """All turns of one process at one store.

    arbiter: the store. look_up: reads a key. keep: is told of every fresh entry that was stored or found.
    """

    __slots__ = ("arbiter", "flights", "keep", "look_up")

    def __init__(
        self,
        arbiter: Arbiter,
        look_up: Callable[[str], Awaitable[Found | None]],
        keep: Callable[[str, Found], object],
    ) -> None:
        self.arbiter = arbiter
        self.look_up = look_up
        self.keep = keep
        self.flights: dict[str, Flight] = {}

    def take(self, key: str, wait: bool) -> Turn:
        return Turn(self, key, wait)
