"""Log lines, counters and rate limits that all workers see, in a SQLite file beside the posts.

The reference application keeps them in one process; with several workers a request for the log may reach another
process than the request that wrote it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lib.db import FILE

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS rate (key TEXT PRIMARY KEY, count INTEGER NOT NULL, reset_at REAL NOT NULL);
"""
_local = threading.local()


@contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """A write transaction on this thread's connection."""
    connection: sqlite3.Connection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = sqlite3.connect(FILE.with_suffix(".state.db"), timeout=5, isolation_level=None)
        connection.executescript(_SCHEMA)
        _local.connection = connection
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def push(key: str, message: str) -> None:
    """Add a line to the log of `key`."""
    with transaction() as connection:
        connection.execute("INSERT INTO log (key, message) VALUES (?, ?)", (key, message))


def log(key: str) -> list[str]:
    with transaction() as connection:
        rows = connection.execute("SELECT message FROM log WHERE key = ? ORDER BY id", (key,)).fetchall()
    return [message for (message,) in rows]


def bump(key: str) -> int:
    """Count `key` up and return the new number."""
    with transaction() as connection:
        (number,) = connection.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET n = n + 1 RETURNING n", (key,)
        ).fetchone()
    return int(number)


def counter(key: str) -> int:
    with transaction() as connection:
        row = connection.execute("SELECT n FROM counters WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0


def set_counter(key: str, number: int) -> None:
    with transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (key, number))


def clear() -> None:
    with transaction() as connection:
        for table in ("log", "counters", "rate"):
            connection.execute(f"DELETE FROM {table}")
