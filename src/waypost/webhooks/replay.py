"""Each event once: who sends a webhook sends it again until it is acknowledged, and so may whoever has seen it.

    seen = SQLiteReplay("data/webhooks.db")

    async with seen.once(event["id"]) as first:
        if first:
            ...  # handle it

An event is claimed when the block begins, and known when the block ends; when the block raises, or its process dies,
the event may come again. What must not be lost or doubled even then belongs into the transaction that has the effect.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

from waypost.errors import HTTPError, StartupError
from waypost.sqlite_file import SQLiteFile

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
        another request handles it, ValueError for an id that is none.
        """
        if not isinstance(id, str) or not 0 < len(id) <= _LONGEST_ID:
            raise ValueError("the id of an event must be a text of 1 to 1,024 characters")
        key = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()  # the same room for every id
        state = await self._claim(key)
        if state == "busy":
            raise EventInProgress
        if state == "done":
            yield False
            return
        try:
            yield True
        except BaseException:
            await self._release(key)
            raise
        await self._confirm(key)

    @abstractmethod
    async def _claim(self, key: str) -> State: ...

    @abstractmethod
    async def _confirm(self, key: str) -> None: ...

    @abstractmethod
    async def _release(self, key: str) -> None: ...


class MemoryReplay(Replay):
    """Events of one process, the newest `size` of them; gone with the process."""

    __slots__ = ("_busy", "_done", "size")

    def __init__(self, *, size: int = 100_000, ttl: float = 7 * DAYS) -> None:
        super().__init__(ttl)
        self.size = size
        self._busy: set[str] = set()
        self._done: OrderedDict[str, float] = OrderedDict()

    async def _claim(self, key: str) -> State:
        until = self._done.get(key)
        if until is not None and until > time.monotonic():
            return "done"
        if key in self._busy:
            return "busy"
        self._busy.add(key)
        return "first"

    async def _confirm(self, key: str) -> None:
        self._busy.discard(key)
        self._done[key] = time.monotonic() + self.ttl
        self._done.move_to_end(key)
        while len(self._done) > self.size:
            self._done.popitem(last=False)

    async def _release(self, key: str) -> None:
        self._busy.discard(key)


_SCHEMA = """
CREATE TABLE IF NOT EXISTS waypost_events (
    key TEXT PRIMARY KEY, done INTEGER NOT NULL, until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waypost_events_until ON waypost_events (until);
"""


class SQLiteReplay(Replay):
    """Events of all processes of one machine, in the file `path`; they outlive a restart."""

    __slots__ = ("_file",)

    def __init__(self, path: str | Path, *, ttl: float = 7 * DAYS) -> None:
        super().__init__(ttl)
        self._file = SQLiteFile(path, _SCHEMA, durable=True)

    async def _claim(self, key: str) -> State:
        return await self._file.run(lambda connection: _claim_row(connection, key, time.time()))

    async def _confirm(self, key: str) -> None:
        until = time.time() + self.ttl
        await self._file.run(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO waypost_events (key, done, until) VALUES (?, 1, ?)", (key, until)
            )
        )

    async def _release(self, key: str) -> None:
        await self._file.run(
            lambda connection: connection.execute("DELETE FROM waypost_events WHERE key = ? AND done = 0", (key,))
        )

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()


def _claim_row(connection: sqlite3.Connection, key: str, now: float) -> State:
    # A few at a time, so that the file stays as large as what is known and no claim pays for a backlog.
    connection.execute(
        "DELETE FROM waypost_events WHERE key IN (SELECT key FROM waypost_events WHERE until < ? LIMIT 20)", (now,)
    )
    row = connection.execute("SELECT done, until FROM waypost_events WHERE key = ?", (key,)).fetchone()
    if row is not None and row[1] >= now:
        return "done" if row[0] else "busy"
    connection.execute("INSERT OR REPLACE INTO waypost_events (key, done, until) VALUES (?, 0, ?)", (key, now + LEASE))
    return "first"
