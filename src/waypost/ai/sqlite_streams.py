"""Streams in a SQLite file, for the workers of one machine: a StreamStore."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Final

from waypost.ai.stream_store import KEEP, LEASE, State
from waypost.sqlite_file import SQLiteFile

MAX_TOTAL: Final = 256 * 1024 * 1024  # bytes of all streams together

# state: running; stop, when the writer is to stop; lost, when there was no room for it; ended. A stream that is not
# ended is broken when its lease has run out.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS waypost_streams (
    stream TEXT PRIMARY KEY, chat TEXT NOT NULL, state TEXT NOT NULL, size INTEGER NOT NULL, lease INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS waypost_streams_chat ON waypost_streams (chat);
CREATE TABLE IF NOT EXISTS waypost_stream_pieces (
    stream TEXT NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (stream, position)
);
"""


class SQLiteStreams:
    """Keeps streams in the file `path`, which is made with its folder. They are dropped a minute after their end.

    max_total: bytes of all streams together; one for which there is no room goes on, and can't be resumed.
    """

    __slots__ = ("_file", "_max_total")

    def __init__(self, path: str | Path, *, max_total: int = MAX_TOTAL) -> None:
        self._file = SQLiteFile(path, _SCHEMA)
        self._max_total = max_total

    async def begin(self, chat: str, stream: str, longest: float) -> None:
        """As StreamStore.begin; all of these raise sqlite3.Error."""
        await self._file.run(partial(_begin, chat=chat, stream=stream))

    async def append(self, stream: str, position: int, data: bytes) -> bool:
        return await self._file.run(
            partial(_append, stream=stream, position=position, data=data, max_total=self._max_total)
        )

    async def end(self, stream: str, position: int, data: bytes) -> None:
        await self._file.run(partial(_end, stream=stream, position=position, data=data, max_total=self._max_total))

    async def find(self, chat: str) -> str | None:
        return await self._file.run(partial(_find, chat=chat))

    async def read(self, stream: str, position: int) -> tuple[bytes, State]:
        return await self._file.run(partial(_read, stream=stream, position=position))

    async def stop(self, chat: str) -> bool:
        return await self._file.run(partial(_stop, chat=chat))

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()


def _now() -> int:
    """Unix time in milliseconds: the processes of one machine have one clock."""
    return time.time_ns() // 1_000_000


def _lease() -> int:
    return _now() + int(LEASE * 1000)


def _begin(connection: sqlite3.Connection, chat: str, stream: str) -> None:
    old = connection.execute(
        "SELECT stream FROM waypost_streams WHERE lease < ?", (_now() - int(KEEP * 1000),)
    ).fetchall()
    for table in ("waypost_streams", "waypost_stream_pieces"):
        connection.executemany(f"DELETE FROM {table} WHERE stream = ?", old)
    _stop(connection, chat)
    connection.execute("INSERT INTO waypost_streams VALUES (?, ?, 'running', 0, ?)", (stream, chat, _lease()))


def _append(connection: sqlite3.Connection, stream: str, position: int, data: bytes, max_total: int) -> bool:
    row = connection.execute("SELECT state FROM waypost_streams WHERE stream = ?", (stream,)).fetchone()
    if row is None or row[0] == "lost":
        return True
    if data and _has_room(connection, stream, len(data), max_total):
        connection.execute("INSERT OR REPLACE INTO waypost_stream_pieces VALUES (?, ?, ?)", (stream, position, data))
    connection.execute(
        "UPDATE waypost_streams SET size = ?, lease = ? WHERE stream = ?", (position + len(data), _lease(), stream)
    )
    return bool(row[0] != "stop")


def _has_room(connection: sqlite3.Connection, stream: str, size: int, max_total: int) -> bool:
    """Whether `size` more bytes fit; else the stream is lost, and its pieces make room for the others."""
    used = connection.execute("SELECT sum(size) FROM waypost_streams WHERE state != 'lost'").fetchone()[0] or 0
    if used + size <= max_total:
        return True
    connection.execute("UPDATE waypost_streams SET state = 'lost' WHERE stream = ?", (stream,))
    connection.execute("DELETE FROM waypost_stream_pieces WHERE stream = ?", (stream,))
    return False


def _end(connection: sqlite3.Connection, stream: str, position: int, data: bytes, max_total: int) -> None:
    _append(connection, stream, position, data, max_total)
    connection.execute(
        "UPDATE waypost_streams SET state = 'ended', lease = ? WHERE stream = ? AND state != 'lost'", (_now(), stream)
    )


def _find(connection: sqlite3.Connection, chat: str) -> str | None:
    row = connection.execute(
        "SELECT stream FROM waypost_streams WHERE chat = ? AND state = 'running' AND lease >= ?", (chat, _now())
    ).fetchone()
    return None if row is None else str(row[0])


def _read(connection: sqlite3.Connection, stream: str, position: int) -> tuple[bytes, State]:
    row = connection.execute("SELECT state, lease FROM waypost_streams WHERE stream = ?", (stream,)).fetchone()
    pieces = connection.execute(
        "SELECT data FROM waypost_stream_pieces WHERE stream = ? AND position >= ? ORDER BY position",
        (stream, position),
    )
    data = b"".join(piece for (piece,) in pieces)
    if row is None or row[0] == "lost":
        return data, "broken"
    if row[0] == "ended":
        return data, "ended"
    return data, "running" if row[1] >= _now() else "broken"


def _stop(connection: sqlite3.Connection, chat: str) -> bool:
    changed = connection.execute(
        "UPDATE waypost_streams SET state = 'stop' WHERE chat = ? AND state = 'running' AND lease >= ?",
        (chat, _now()),
    )
    return changed.rowcount > 0
