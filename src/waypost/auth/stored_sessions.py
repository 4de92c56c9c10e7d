"""Sessions that can be revoked: the client has a random number, the server knows what it stands for.

Stored is only the digest of the number, so that whoever reads the store can sign in as nobody.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from waypost.auth.session import Session, check_lifetime
from waypost.http.json import encode_json, parse_json
from waypost.sqlite_file import SQLiteFile

DAY: Final = 86_400.0
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits
_SCHEMA = """
CREATE TABLE IF NOT EXISTS waypost_sessions (
    digest TEXT PRIMARY KEY, subject TEXT NOT NULL, claims BLOB NOT NULL, expires REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waypost_sessions_subject ON waypost_sessions (subject);
CREATE INDEX IF NOT EXISTS waypost_sessions_expires ON waypost_sessions (expires);
"""


class StoredSessions:
    """Sessions in the SQLite file `path`, shared by the workers of a machine; None keeps them in this process.

    lifetime: seconds. max_sessions: most that memory holds; beyond it the oldest end.
    """

    __slots__ = ("_file", "_memory", "lifetime", "max_sessions")

    def __init__(self, path: str | Path | None, *, lifetime: float = 7 * DAY, max_sessions: int = 100_000) -> None:
        self.lifetime = check_lifetime(lifetime)
        self.max_sessions = max_sessions
        self._file = None if path is None else SQLiteFile(path, _SCHEMA, durable=True)
        self._memory: OrderedDict[str, Session] = OrderedDict()

    async def create(self, subject: str, claims: Mapping[str, Any]) -> str:
        """As Sessions.create."""
        token = new_token()
        key, expires = digest(token), time.time() + self.lifetime
        if self._file is None:
            self._memory[key] = Session(subject, dict(claims), expires)
            while len(self._memory) > self.max_sessions:
                self._memory.popitem(last=False)
            return token
        row = (key, subject, encode_json(dict(claims)), expires)
        await self._file.run(lambda connection: _insert(connection, row))
        return token

    async def read(self, text: str) -> Session | None:
        """As Sessions.read. Raises sqlite3.Error when the file can't be read."""
        if not is_token(text):
            return None
        key = digest(text)
        if self._file is None:
            session = self._memory.get(key)
        else:
            session = await self._file.run(lambda connection: _select(connection, key))
        return session if session is not None and session.expires > time.time() else None

    async def revoke(self, text: str) -> None:
        """As Sessions.revoke."""
        key = digest(text)
        if self._file is None:
            self._memory.pop(key, None)
            return
        await self._file.run(
            lambda connection: connection.execute("DELETE FROM waypost_sessions WHERE digest = ?", (key,))
        )

    async def revoke_all(self, subject: str) -> None:
        """End every session of `subject`: after a change of password, or when an account is closed."""
        if self._file is None:
            for key in [key for key, session in self._memory.items() if session.subject == subject]:
                del self._memory[key]
            return
        await self._file.run(
            lambda connection: connection.execute("DELETE FROM waypost_sessions WHERE subject = ?", (subject,))
        )

    async def close(self) -> None:
        """Close the file; sessions in memory end."""
        self._memory.clear()
        if self._file is not None:
            await self._file.close()


def new_token() -> str:
    """A random number that nobody guesses."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Whether it has the form of one."""
    return _TOKEN.fullmatch(text) is not None


def digest(text: str) -> str:
    """What is stored in the place of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _insert(connection: sqlite3.Connection, row: tuple[str, str, bytes, float]) -> None:
    connection.execute(
        "DELETE FROM waypost_sessions WHERE digest IN (SELECT digest FROM waypost_sessions WHERE expires < ? LIMIT 20)",
        (time.time(),),
    )
    connection.execute("INSERT INTO waypost_sessions (digest, subject, claims, expires) VALUES (?, ?, ?, ?)", row)


def _select(connection: sqlite3.Connection, key: str) -> Session | None:
    query = "SELECT subject, claims, expires FROM waypost_sessions WHERE digest = ?"
    row = connection.execute(query, (key,)).fetchone()
    return Session(row[0], parse_json(row[1]), row[2]) if row is not None else None
