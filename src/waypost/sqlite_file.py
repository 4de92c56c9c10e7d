"""A SQLite file that the processes of one machine share, kept off the event loop.

One connection in one thread of its own: a statement never blocks the loop, and statements of one process never wait
for each other inside SQLite. Processes wait for each other at a lock file, where they look again every 2 ms or sooner;
SQLite's own waiting sleeps up to 100 ms at a time. Knows nothing of what is stored.
Source: https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from waypost.file_lock import lock, unlock
from waypost.lane import Lane

T = TypeVar("T")


class SQLiteFile:
    """Runs transactions against the file at `path`; it is made, with its folder and `schema`, at the first of them.

    schema: statements that may run again and again (CREATE TABLE IF NOT EXISTS). busy_timeout: seconds to wait for
    other processes. durable: whether a committed transaction outlives a loss of power; it outlives a killed process
    either way.
    """

    __slots__ = ("_busy_timeout", "_connection", "_durable", "_gate", "_lane", "_owner", "_schema", "_shut", "path")

    def __init__(self, path: str | Path, schema: str, *, busy_timeout: float = 5.0, durable: bool = False) -> None:
        self.path = Path(path)
        self._schema = schema
        self._busy_timeout = busy_timeout
        self._durable = durable
        self._lane: Lane | None = None
        self._connection: sqlite3.Connection | None = None
        self._gate: int | None = None
        self._shut = 0.0
        self._owner = 0

    def __del__(self) -> None:
        lane: Lane | None = getattr(self, "_lane", None)  # a path that is none has ended __init__ before
        if lane is not None:
            lane.close()  # its thread would wait for work for ever
            # No work is left that could use them: it would hold this object. After a fork they are the parent's.
            if self._owner == os.getpid():
                self._close_connection()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives, called in the thread inside BEGIN IMMEDIATE; rolled back when it raises.

        Raises sqlite3.Error; OperationalError, as SQLite does, where other processes keep it for `busy_timeout`. A
        caller that is cancelled before its turn does nothing, later it leaves the transaction to end by itself.
        """
        return await self._thread().run(partial(self._transaction, work, time.monotonic()))

    def _thread(self) -> Lane:
        # A connection must not be used on both sides of a fork: a child opens its own.
        if self._lane is None or self._owner != os.getpid():
            self._owner = os.getpid()
            self._connection = self._gate = None
            self._lane = Lane("waypost-sqlite")
        return self._lane

    def _transaction(self, work: Callable[[sqlite3.Connection], T], called: float) -> T:
        gate = self._enter(called)
        try:
            return self._run(work)
        finally:
            unlock(gate)

    def _enter(self, called: float) -> int:
        """Lock the gate, for work that has waited for its turn since `called`; gives its descriptor."""
        if self._gate is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._gate = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        now = time.monotonic()
        # Behind a process that was stopped inside a transaction each would wait after the other: what it waited in the
        # queue while the gate did not open is part of its patience.
        shut = self._shut or now
        if not lock(self._gate, max(shut, called) + self._busy_timeout - now):
            self._shut = shut
            raise sqlite3.OperationalError("database is locked: another process does not end its transaction")
        self._shut = 0.0
        return self._gate

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            value = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            # Also after a COMMIT that failed, as on a full disk: an open transaction would fail every later one.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return value

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # What is kept here, as chats or sessions, is nobody else's; SQLite gives its other files the same mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            connection.executescript(self._schema)
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Close the connection; a later run() opens it again."""
        if self._lane is None or self._owner != os.getpid():
            return
        lane, self._lane = self._lane, None
        await lane.run(self._close_connection)
        lane.close()

    def _close_connection(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        if self._gate is not None:
            gate, self._gate = self._gate, None
            os.close(gate)
