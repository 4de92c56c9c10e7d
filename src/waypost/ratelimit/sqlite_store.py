"""Rate limits in a SQLite file, for the workers of one machine.

Hits that come while a transaction runs wait together for the next one: a busy process writes once for many of them,
and stands in the queue of the processes once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from waypost.ratelimit.rule import Decision, Rule, State, decide, expiry
from waypost.ratelimit.store import wall_clock
from waypost.sqlite_file import SQLiteFile

Hit: TypeAlias = tuple[str, Rule, int]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waypost_limits (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waypost_limits_expires ON waypost_limits (expires);
"""
_BATCH = 200


class SQLiteStore:
    """Keeps limits in the file `path`, which is made with its folder. Keys are dropped when they have run out."""

    __slots__ = ("_file", "_tasks", "_waiting")

    local = False

    def __init__(self, path: str | Path) -> None:
        self._file = SQLiteFile(path, _SCHEMA)
        # Who gives up waiting takes its hit out again: while the file does not answer nothing else would.
        self._waiting: dict[asyncio.Future[Decision], Hit] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def hit(self, key: str, rule: Rule, cost: int) -> Decision:
        """As Store.hit. Raises sqlite3.Error."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision] = loop.create_future()
        self._waiting[future] = (key, rule, cost)
        self._tasks = {task for task in self._tasks if not task.done() and task.get_loop() is loop}
        if not self._tasks:
            self._tasks.add(loop.create_task(self._drain()))
        try:
            return await future
        finally:
            self._waiting.pop(future, None)

    async def _drain(self) -> None:
        while self._waiting:
            taken = list(islice(self._waiting.items(), _BATCH))
            for future, _ in taken:
                del self._waiting[future]
            # Who gave up in this turn of the loop, and is still here, was answered without us and must not be counted.
            batch = {future: hit for future, hit in taken if not future.done()}
            try:
                decisions = await self._file.run(partial(_hits, batch=list(batch.values())))
            except BaseException as error:
                for future in batch:
                    if not future.done():
                        future.set_exception(error if isinstance(error, Exception) else sqlite3.Error("cancelled"))
                if not isinstance(error, Exception):
                    raise
                continue
            for future, decision in zip(batch, decisions, strict=True):
                if not future.done():
                    future.set_result(decision)

    async def forget(self, key: str) -> None:
        """As Store.forget. Raises sqlite3.Error."""
        await self._file.run(lambda connection: connection.execute("DELETE FROM waypost_limits WHERE key = ?", (key,)))

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()


def _hits(connection: sqlite3.Connection, batch: list[Hit]) -> list[Decision]:
    now = wall_clock()
    connection.execute(
        "DELETE FROM waypost_limits WHERE key IN (SELECT key FROM waypost_limits WHERE expires < ? LIMIT 20)", (now,)
    )
    decisions = []
    changed: dict[str, tuple[State, int]] = {}
    for key, rule, cost in batch:
        state = changed[key][0] if key in changed else _read(connection, key)
        decision, state = decide(rule, state, now, cost)
        if decision.allowed:
            changed[key] = (state, expiry(rule, state))
        decisions.append(decision)
    connection.executemany(
        "INSERT OR REPLACE INTO waypost_limits (key, state, expires) VALUES (?, ?, ?)",
        [(key, ",".join(map(str, state)), expires) for key, (state, expires) in changed.items()],
    )
    return decisions


def _read(connection: sqlite3.Connection, key: str) -> State | None:
    row = connection.execute("SELECT state FROM waypost_limits WHERE key = ?", (key,)).fetchone()
    return [int(item) for item in row[0].split(",")] if row is not None else None
