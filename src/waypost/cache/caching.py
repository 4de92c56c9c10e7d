"""Caching: the one place that decides between a hit, a stale copy, a fill and a bypass.

One fill a key, however many wait. A stale copy is served at once and refreshed behind; a refresh that fails keeps it
and is tried again later. A first fill that fails is an error for those who wait, and stores nothing. A store that does
not answer is a bypass: what is asked for runs. Knows no route: what to run comes as a function.
Source: RFC 5861 (stale-while-revalidate); Next.js, "How revalidation works".
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from waypost.cache import ambient
from waypost.cache.entry import Entry
from waypost.cache.fill import current_fill
from waypost.cache.leases import carry_turns
from waypost.cache.policy import pause_after_failure
from waypost.cache.store import Found, Store
from waypost.errors import HTTPError, StoreUnavailable

log = logging.getLogger("waypost.cache")

MAX_REFRESHES: Final = 100  # refreshes behind stale copies that one worker runs at a time
_MAX_PAUSES: Final = 10_000
_BUSY_PAUSE: Final = 0.25  # seconds before a worker asks again whether another one's refresh is done
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Made:
    """The result of a run. value: for whoever caused it. entry: what to store; None when it is for nobody else.

    used: the cached entries that it was made of. reason: why there is no entry.
    """

    value: Any
    entry: Entry | None
    used: Sequence[Found] = ()
    reason: str = ""


Make: TypeAlias = Callable[[], Awaitable[Made]]
OpenStore: TypeAlias = Callable[[], Store]
How: TypeAlias = Literal["hit", "stale", "miss", "collapsed", "bypass"]


@dataclass(frozen=True, slots=True)
class Served:
    """What a read gave.

    how: "hit", "stale" and "collapsed" (another read's fill) have an entry; "miss" and "bypass" have `made`, and
    "miss" says in `stored` whether it was kept. found: the entry as it was looked up, for those who build on it.
    """

    how: How
    entry: Entry | None = None
    made: Made | None = None
    stored: bool = False
    found: Found | None = None


class Seeds(Protocol):
    """Entries that a build has made, for a store that has not seen them yet."""

    async def offer(self, key: str, store: Store) -> Entry | None:
        """Put the entry of `key` into the store and give it; None when there is none, or it is too old to be true."""
        ...


class Caching:
    """The cache of one application in one worker.

    time_limit: seconds that a fill may take, None for no limit. on_error(error, key): is told of refreshes that
    failed. seeds: where a build left entries. prepare: calls start(), for a host that does not say when it begins.
    Without a store (development) everything is a bypass.
    """

    def __init__(
        self, *, time_limit: float | None = None, on_error: Callable[[BaseException, str], object] | None = None
    ) -> None:
        self.store: Store | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.seeds: Seeds | None = None
        self.prepare: Callable[[], object] | None = None
        self._open_store: OpenStore | None = None
        self._opening: asyncio.Task[None] | None = None
        self._time_limit = time_limit
        self._on_error = on_error or _log_failure
        self._fills: dict[str, asyncio.Task[Served]] = {}
        self._refreshes: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pauses: dict[str, float] = {}
        self._context = contextvars.Context()
        self._complained = 0.0

    def start(self, open_store: OpenStore | None) -> None:
        """Begin to work on the running loop. What runs in fills sees the context variables as they are set here.

        open_store: makes the store when it is first needed; None for no store.
        """
        self.loop = asyncio.get_running_loop()
        # Not a request's context: a variable that middleware set for one user must not be seen by a fill for all.
        self._context = contextvars.copy_context()
        self._open_store = open_store
        ambient.opened(self)

    @property
    def has_store(self) -> bool:
        """Whether there is, or will be, a store; without one nothing is kept and nothing has to be revalidated."""
        return self.store is not None or self._open_store is not None

    async def open(self) -> Store | None:
        """The store, opened if it is not yet; None when there is none."""
        if self.loop is None and self.prepare is not None:
            self.prepare()
        if self.store is None and self._open_store is not None:
            if self._opening is None:
                self._opening = self._task(self._open(self._open_store))
            await asyncio.shield(self._opening)
        return self.store

    async def _open(self, open_store: OpenStore) -> None:
        store = open_store()
        await store.open()
        self.store = store

    async def close(self, grace: float = 0.0) -> None:
        """Let fills and refreshes finish, `grace` seconds at most, and close the store."""
        ambient.closed(self)
        pending: set[asyncio.Task[Any]] = {*self._fills.values(), *self._refreshes.values(), *self._tasks}
        if self._opening is not None:
            pending.add(self._opening)
        if pending:
            _, late = await asyncio.wait(pending, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        store, self.store, self._open_store, self._opening = self.store, None, None, None
        if store is not None:
            await store.close()

    # -- reading

    async def read(self, key: str, make: Make, *, must_be_fresh: bool = False, behind: Make | None = None) -> Served:
        """The entry of `key`, or what `make` gives. Raises what `make` raises when there is nothing to serve instead.

        must_be_fresh: a stale copy does not do, as for what a fill builds on. behind: what refreshes a stale copy,
        where that is not `make`.
        """
        nested = current_fill.get() is not None
        for _ in range(_ROUNDS):
            served = await self._look(key, behind or make, must_be_fresh)
            if served is None and self.store is not None and not nested:
                served = await self._join(key, make)
            elif served is None and self.store is not None:
                # Who waits inside a fill may be waited for by whom it waits for: the lease knows, a shared task would
                # not.
                served = await self._task(self._turn(key, make))
            if served is not None:
                return served if served.entry is not None or served.made is not None else await self.bypass(make)
            if self.store is None:
                break
        return await self.bypass(make)

    async def look(self, key: str, make: Make) -> Served | None:
        """The entry of `key`, a stale one too; None when there is none. Fills nothing; `make` is for a refresh."""
        served = await self._look(key, make, must_be_fresh=False)
        if served is None and self.store is not None:
            served = await self._seeded(key, make)
        return served if served is None or served.entry is not None else None

    async def _look(self, key: str, make: Make, must_be_fresh: bool) -> Served | None:
        """What the store has; a bypass, without anything made, when the store does not answer."""
        store = self.store or await self.open()
        if store is None:
            return None
        try:
            found = await store.get(key)
        except StoreUnavailable as error:
            self._complain(error)
            return Served("bypass")
        if found is None or (found.state == "stale" and must_be_fresh):
            return None
        if found.state == "stale":
            self.refresh(key, make, found.entry)
        return Served("hit" if found.state == "fresh" else "stale", found.entry, found=found)

    async def _seeded(self, key: str, make: Make) -> Served | None:
        """What a build has made for `key`, as long as nothing has made it old."""
        if self.seeds is None or self.store is None:
            return None
        try:
            entry = await self.seeds.offer(key, self.store)
        except StoreUnavailable as error:
            self._complain(error)
            return None
        if entry is None:
            return None
        if entry.state_at(time.time()) == "fresh":
            return Served("hit", entry)
        self.refresh(key, make, entry)
        return Served("stale", entry)

    async def bypass(self, make: Make) -> Served:
        """Run `make` for this caller alone."""
        return Served("bypass", made=await self._task(_run(make)))

    def _task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that sees no variables of the request that started it."""
        context = self._context.copy()
        carry_turns(context)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def _join(self, key: str, make: Make) -> Served | None:
        """Fill, or wait for the one who does; None when what came of it is not for this caller."""
        task = self._fills.get(key)
        leads = task is None
        if task is None:
            task = self._fills[key] = self._task(self._turn(key, make))
            task.add_done_callback(_retrieve)
        # The client of the one who began may leave; the others still wait for the result.
        served = await asyncio.shield(task)
        if leads or served.made is None:
            return served
        if served.stored:
            return Served("collapsed", served.entry)
        # Not stored because it is one client's own, or because it was revalidated meanwhile.
        return await self.bypass(make) if served.entry is None else None

    async def _turn(self, key: str, make: Make) -> Served:
        assert self.store is not None
        try:
            seeded = await self._seeded(key, make)
            if seeded is not None:
                return seeded
            async with self.store.lease(key) as lease:
                if lease.found is not None:
                    return Served("hit", lease.found.entry, found=lease.found)
                made = await self._limited(make)
                stored = False
                if lease.leader and made.entry is not None:
                    # Before it is stored: who comes later may have seen a revalidation that this result has not.
                    self._unlist(key)
                    stored = await lease.store(made.entry, used=made.used)
        finally:
            self._unlist(key)
        return Served("miss", made.entry, made, stored)

    def _unlist(self, key: str) -> None:
        if self._fills.get(key) is asyncio.current_task():
            del self._fills[key]

    async def _limited(self, make: Make) -> Made:
        limit = asyncio.timeout(self._time_limit)
        try:
            async with limit:
                return await _run(make)
        except TimeoutError:
            if limit.expired():
                raise HTTPError("Handler timed out", status=504) from None
            raise

    # -- refreshing behind a stale copy

    def refresh(self, key: str, make: Make, entry: Entry) -> None:
        """Make `key` anew in the background, unless somebody does or a try has just failed."""
        if key in self._refreshes or len(self._refreshes) >= MAX_REFRESHES:
            return
        pause = self._pauses.get(key)
        if pause is not None:
            if time.monotonic() < pause:
                return
            del self._pauses[key]
        task = self._refreshes[key] = self._task(self._refresh(key, make, entry))
        task.add_done_callback(lambda _: self._refreshes.pop(key, None))
        task.add_done_callback(_retrieve)

    async def _refresh(self, key: str, make: Make, entry: Entry) -> None:
        assert self.store is not None
        async with self.store.lease(key, wait=False) as lease:
            if not lease.leader:
                if lease.found is None:
                    self._pause(key, _BUSY_PAUSE)
                return
            seconds = pause_after_failure(entry.revalidate)
            try:
                made = await self._limited(make)
            except (asyncio.CancelledError, GeneratorExit):
                raise
            except BaseException as error:  # redirect() in a cached function is a failure as well
                self._pause(key, seconds)
                await lease.postpone(seconds)
                self._on_error(error, key)
                return
            if made.entry is None:
                log.warning("%s was not refreshed and the stale copy stays: %s", key, made.reason)
                self._pause(key, seconds)
                await lease.postpone(seconds)
                return
            await lease.store(made.entry, used=made.used)

    def _pause(self, key: str, seconds: float) -> None:
        if len(self._pauses) >= _MAX_PAUSES:
            self._pauses.clear()
        self._pauses[key] = time.monotonic() + seconds

    # -- revalidating

    async def revalidate(self, tags: Sequence[str], stale_for: float) -> None:
        """Make entries with these tags old, as Store.revalidate does. Raises StoreUnavailable."""
        store = self.store or await self.open()
        if store is not None:
            await store.revalidate(tags, stale_for=stale_for)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold a task until it is done; close() waits for it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complain(self, error: StoreUnavailable) -> None:
        # Once a second at most: a store that is down would otherwise write a line for each request.
        now = time.monotonic()
        if now - self._complained > 1:
            self._complained = now
            log.warning("the cache is not used, handlers run instead: %s", error)


async def _run(make: Make) -> Made:
    try:
        return await make()
    except (SystemExit, KeyboardInterrupt) as error:
        # In a task of its own it would end the worker, not the request.
        raise RuntimeError(f"the cached code raised {type(error).__name__}") from error


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Look at the outcome, which otherwise is reported as never retrieved when every waiter has left."""
    if not task.cancelled():
        task.exception()


def _log_failure(error: BaseException, key: str) -> None:
    log.error("the refresh of %s failed and the stale copy stays", key, exc_info=error)
