"""Each event once: who sends a webhook sends it again until it is acknowledged, and so may whoever has seen it.

    seen = SQLiteReplay("data/webhooks.db")

    async with seen.once(event["id"]) as first:
        if first:
            ...  # handle it

An event is claimed when the block begins, and known when the block ends; when the block raises, or its process dies,
the event may come again. A claim lasts a minute and is renewed as long as the block runs. What must not be lost or
doubled even then belongs into the transaction that has the effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import secrets
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from waypost.errors import HTTPError, StartupError
from waypost.sqlite_file import SQLiteFile

log = logging.getLogger("waypost.webhooks")

State: TypeAlias = Literal["first", "busy", "done"]

DAYS: Final = 86_400.0
LEASE: Final = 60.0  # seconds after which a claim whose process died is free
_LONGEST_ID: Final = 1024


class EventInProgress(HTTPError):
    """The same event is being handled at this moment: 409, so that the sender asks again later."""

    status = 409

    def __init__(self) -> None:
        super().__init__("This event is being handled", headers={"Retry-After": "5"})


class Replay(ABC):
    """What has been handled; MemoryReplay, SQLiteReplay and RedisReplay (webhooks/redis_replay.py) keep it.

    ttl: seconds that a handled event is known; longer than the sender tries again (Stripe: three days).
    """

    __slots__ = ("ttl",)

    def __init__(self, ttl: float) -> None:
        if not ttl > 0:
            raise StartupError(f"ttl={ttl!r} is not a number of seconds", remedy="Use a positive number.")
        self.ttl = ttl

    @contextlib.asynccontextmanager
    async def once(self, id: str) -> AsyncIterator[bool]:
        """True for the first who comes with `id`, False when it was handled before: acknowledge it and do nothing.

        id: something that the signature covers, at most 1,024 characters. Raises EventInProgress (409) while
        another request handles it, however long that takes, ValueError for an id that is none. A block that keeps the
        event loop from running for a minute loses its claim: blocking work belongs into a thread.
        """
        if not isinstance(id, str) or not 0 < len(id) <= _LONGEST_ID:
            raise ValueError("the id of an event must be a text of 1 to 1,024 characters")
        key = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()  # the same room for every id
        token = secrets.token_hex(8)
        state = await self._claim(key, token)
        if state == "busy":
            raise EventInProgress
        if state == "done":
            yield False
            return
        renewing = asyncio.create_task(self._keep(key, token))
        try:
            try:
                yield True
            finally:
                renewing.cancel()
        except BaseException:
            await _to_the_end(self._release(key, token))
            raise
        await _to_the_end(self._confirm(key))

    async def _keep(self, key: str, token: str) -> None:
        """Renew a claim until cancelled; the store may fail twice before the claim runs out."""
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                if not await self._renew(key, token):
                    log.warning("the claim of a webhook's event ran out while it was handled: it may be handled twice")
                    return
            except Exception:
                log.warning("the claim of a webhook's event could not be renewed", exc_info=True)

    # token: a text that no other claim has. Whose claim has run out must not touch that of the next one.

    @abstractmethod
    async def _claim(self, key: str, token: str) -> State: ...

    @abstractmethod
    async def _renew(self, key: str, token: str) -> bool:
        """Whether the claim is still held."""

    @abstractmethod
    async def _confirm(self, key: str) -> None:
        """The event was handled: known from now on, whoever has claimed it meanwhile."""

    @abstractmethod
    async def _release(self, key: str, token: str) -> None: ...


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work. Who is cancelled meanwhile, as when the sender hangs up, is so when the work is done.

    Half of it would be an event that was handled and is not known to be, or one that nobody handles and nobody may.
    """
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


class MemoryReplay(Replay):
    """Events of one process, the newest `size` of them; gone with the process."""

    __slots__ = ("_busy", "_done", "size")

    def __init__(self, *, size: int = 100_000, ttl: float = 7 * DAYS) -> None:
        super().__init__(ttl)
        self.size = size
        self._busy: dict[str, str] = {}  # key → token; no claim runs out before its process ends
        self._done: OrderedDict[str, float] = OrderedDict()

    async def _claim(self, key: str, token: str) -> State:
        until = self._done.get(key)
        if until is not None and until > time.monotonic():
            return "done"
        return "first" if self._busy.setdefault(key, token) == token else "busy"

    async def _renew(self, key: str, token: str) -> bool:
        return self._busy.get(key) == token

    async def _confirm(self, key: str) -> None:
        self._busy.pop(key, None)
        self._done[key] = time.monotonic() + self.ttl
        self._done.move_to_end(key)
        while len(self._done) > self.size:
            self._done.popitem(last=False)

    async def _release(self, key: str, token: str) -> None:
        if self._busy.get(key) == token:
            del self._busy[key]


# claim: the token of who handles the event, NULL once it was handled. Other columns need another name for the table:
# a file lives longer than a version, and its path may hold tables of others.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS waypost_handled_events (
    key TEXT PRIMARY KEY, claim TEXT, until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waypost_handled_events_until ON waypost_handled_events (until);
"""


class SQLiteReplay(Replay):
    """Events of all processes of one machine, in the file `path`; they outlive a restart."""

    __slots__ = ("_file",)

    def __init__(self, path: str | Path, *, ttl: float = 7 * DAYS) -> None:
        super().__init__(ttl)
        self._file = SQLiteFile(path, _SCHEMA, durable=True)

    async def _claim(self, key: str, token: str) -> State:
        return await self._file.run(lambda connection: _claim_row(connection, key, token, time.time()))

    async def _renew(self, key: str, token: str) -> bool:
        changed = await self._file.run(
            lambda connection: (
                connection.execute(
                    "UPDATE waypost_handled_events SET until = ? WHERE key = ? AND claim = ?",
                    (time.time() + LEASE, key, token),
                ).rowcount
            )
        )
        return changed > 0

    async def _confirm(self, key: str) -> None:
        until = time.time() + self.ttl
        await self._file.run(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO waypost_handled_events (key, claim, until) VALUES (?, NULL, ?)", (key, until)
            )
        )

    async def _release(self, key: str, token: str) -> None:
        await self._file.run(
            lambda connection: connection.execute(
                "DELETE FROM waypost_handled_events WHERE key = ? AND claim = ?", (key, token)
            )
        )

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()


def _claim_row(connection: sqlite3.Connection, key: str, token: str, now: float) -> State:
    # A few at a time, so that the file stays as large as what is known and no claim pays for a backlog.
    connection.execute(
        "DELETE FROM waypost_handled_events WHERE key IN "
        "(SELECT key FROM waypost_handled_events WHERE until < ? LIMIT 20)",
        (now,),
    )
    row = connection.execute("SELECT claim, until FROM waypost_handled_events WHERE key = ?", (key,)).fetchone()
    if row is not None and row[1] >= now:
        return "done" if row[0] is None else "busy"
    connection.execute(
        "INSERT OR REPLACE INTO waypost_handled_events (key, claim, until) VALUES (?, ?, ?)", (key, token, now + LEASE)
    )
    return "first"
