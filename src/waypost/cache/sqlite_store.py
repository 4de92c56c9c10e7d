"""The store of all workers of one machine: SQLite in WAL mode, in a folder of the build.

Reading and writing have a thread and a connection each, so that a read never waits behind another process's
transaction, and the event loop for neither. The statements are in sqlite_work, the file's troubles in sqlite_file.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from waypost.cache import sqlite_work
from waypost.cache.entry import Entry, encode_entry
from waypost.cache.leases import Claim
from waypost.cache.names import digest, draw_number
from waypost.cache.outage import Outage
from waypost.cache.owner import this_process
from waypost.cache.shared_page import FLOOR, UNSURE, SharedPage
from waypost.cache.sqlite_file import LONG_LOG, CacheFile, damaged
from waypost.cache.store import Fence, Found
from waypost.errors import StoreUnavailable
from waypost.lane import Lane

T = TypeVar("T")
P = ParamSpec("P")

TEND_EVERY: Final = 0.25  # seconds
OPEN_LIMIT: Final = 1.0  # seconds
OPEN_AGAIN: Final = 0.05
SWEEP_EVERY: Final = 240  # times that


class SQLiteStore:
    """See shared.SharedStore.

    folder: of the build; made when the store is first used. max_size: bytes of the file. max_tags: revalidated tags
    that are remembered. timeout: seconds after which a call gives up.
    """

    lease_time = sqlite_work.LEASE_TIME

    def __init__(self, folder: Path, *, max_size: int, max_tags: int, timeout: float) -> None:
        self.page = SharedPage(folder / "page")
        self.sure_until = float("inf")
        self.since = 0
        self._folder = folder
        self._max_size = max_size
        self._limit = max_size - max_size // 8  # the rest is for indexes, leases, and pages that are not full
        self._max_tags = max_tags
        self._reader = _Side(
            "Reading from the cache file", CacheFile(folder, self.page, timeout / 2, max_size), timeout
        )
        self._writer = _Side(
            "Writing to the cache file", CacheFile(folder, self.page, timeout * 0.8, max_size), timeout
        )
        self._owner = this_process()
        self._tending: asyncio.Task[None] | None = None
        self._background: dict[object, asyncio.Task[object]] = {}

    @property
    def latest(self) -> int:
        return self.page.latest  # one after the other comes to the page, inside of a transaction

    async def open(self) -> None:
        await self._writer.begin()
        await self._reader.begin()
        self._tending = asyncio.get_running_loop().create_task(self._tend())

    async def close(self) -> None:
        tasks = [*self._background.values(), *([self._tending] if self._tending else [])]
        self._tending = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._reader.close()
        await self._writer.close()
        self.page.close()

    # -- entries

    async def read(self, key: str, have: Found | None = None) -> Found | None:
        name = digest(key)
        got = await self._reader.run(sqlite_work.read, name, have)
        if got.corrupt:
            self._behind(sqlite_work.forget, name)
        elif got.idle:
            self._behind(sqlite_work.note_used, name)
        if got.now.generation < self.page.latest:
            self._behind(sqlite_work.catch_up, self.page)
        return got.found

    async def now(self) -> Fence:
        return (await self._reader.run(sqlite_work.read, "", None)).now

    async def put(self, key: str, entry: Entry, fence: Fence, token: int) -> Found | None:
        data = encode_entry(entry)
        version = draw_number()
        tags = [digest(tag) for tag in entry.tags]
        checked = await self._writer.run(sqlite_work.put, digest(key), version, fence, data, tags, token, self._limit)
        return None if checked is None else Found(entry, "fresh", fence, version, checked)

    async def delete(self, key: str) -> None:
        await self._writer.run(sqlite_work.forget, digest(key))

    async def revalidate(self, tags: Sequence[str], stale_for: float) -> None:
        names = [digest(tag) for tag in tags]
        file = self._writer.file
        while not await self._writer.run(sqlite_work.revalidate, file, tags, names, stale_for, self._max_tags):
            pass

    # -- leases

    async def claim(self, key: str, wait: bool) -> Claim:
        name = digest(key)
        # Most of those who wait find nothing to do: they must not queue for the right to write.
        if not await self._reader.run(sqlite_work.look_at_lease, name, wait):
            return Claim(found=await self._fresh(key))
        return await self._writer.run(sqlite_work.claim, name, self._owner, wait)

    async def _fresh(self, key: str) -> Found | None:
        found = await self.read(key)
        return found if found is not None and found.state == "fresh" else None

    async def renew(self, key: str, token: int) -> bool:
        try:
            return await self._writer.run(sqlite_work.renew, digest(key), token)
        except StoreUnavailable:
            return True  # not known to be lost: tried again

    async def release(self, key: str, token: int, postpone: float) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._writer.run(sqlite_work.release, digest(key), token, postpone)

    # -- upkeep

    def _behind(self, work: Callable[[sqlite3.Connection, Any], object], argument: object) -> None:
        """Write without anybody waiting, once at a time; when it fails there will be another occasion."""
        if (work, argument) in self._background:
            return

        async def attempt() -> None:
            with contextlib.suppress(StoreUnavailable):
                await self._writer.run(work, argument)

        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(attempt())
        self._background[work, argument] = task
        task.add_done_callback(lambda _: self._background.pop((work, argument), None))

    async def _tend(self) -> None:
        """See what nobody would see who only hits memory: a file or page that is gone, a log that is long."""
        turn = 0
        lane = Lane("waypost-cache-upkeep")
        file = CacheFile(self._folder, self.page, 1.0, self._max_size)
        try:
            while True:
                await asyncio.sleep(TEND_EVERY)
                turn += 1
                with contextlib.suppress(StoreUnavailable):
                    if await lane.run(self._needs_care):
                        await self._writer.run(sqlite_work.settle, self.page)
                        await self._reader.run(sqlite_work.probe_read)
                    if turn % SWEEP_EVERY == 0:
                        await self._writer.run(sqlite_work.sweep)
                # In a thread of its own, as it may take long and nobody has to wait for it.
                with contextlib.suppress(OSError, sqlite3.Error, StoreUnavailable):
                    await lane.run(partial(self._shorten_log, file))
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await lane.run(file.close)
            lane.close()

    def _needs_care(self) -> bool:
        return self._writer.file.changed() or not self.page.current() or self.page.words[FLOOR] == UNSURE

    def _shorten_log(self, file: CacheFile) -> None:
        if self._writer.file.log_size() > LONG_LOG:
            file.shorten_log()


class _Side:
    """Reading or writing: a thread, its connection, and whether it works."""

    def __init__(self, what: str, file: CacheFile, timeout: float) -> None:
        self.file = file
        self._lane = Lane("waypost-cache")
        self._probe = sqlite_work.probe_read if what.startswith("Reading") else sqlite_work.probe_write
        self.outage = Outage(what, lambda: self._attempt(self._probe), timeout)

    async def begin(self) -> None:
        """Open the file, with more time than a request has. Raises nothing."""
        reason = f"it was not opened in {OPEN_LIMIT:g} s"
        try:
            async with asyncio.timeout(OPEN_LIMIT):
                while True:
                    try:
                        return await self._attempt(self._probe)
                    except StoreUnavailable as error:  # other workers are opening it too, as it seems
                        reason = str(error)
                    await asyncio.sleep(OPEN_AGAIN)
        except TimeoutError:
            self.outage.fail(reason)

    async def run(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do it with the connection. Raises StoreUnavailable."""
        return await self.outage.guard(lambda: self._attempt(work, *args, **kwargs))

    async def _attempt(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def attempt() -> T:
            return work(self.file.connection(), *args, **kwargs)

        def job() -> T:
            try:
                try:
                    return attempt()
                except sqlite3.DatabaseError as error:
                    if not damaged(error):
                        raise
                    self.file.discard()
                    return attempt()
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(str(error)) from error

        return await self._lane.run(job)

    async def close(self) -> None:
        await self.outage.close()
        # Behind what is still queued, in the thread that the connection belongs to.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._lane.run(self.file.close)
        self._lane.close()
