"""The file of the SQLite store: where it lies, what is in it, and what happens when it is not as it should be.

A folder holds one database under a name of its own, a file `current` that says which, and the page of generations.
A database that is deleted, cut or damaged is not repaired: another one takes its place, empty, in a new era. It gets a
new name, as processes that still have the old one open would remove its log by name when they close it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from waypost.cache.owner import boot_id
from waypost.cache.shared_page import FLOOR, UNSURE, SharedPage
from waypost.errors import StoreUnavailable
from waypost.file_lock import hold

VERSION: Final = 1  # of the tables
PAGE_SIZE: Final = 4096
LONG_LOG: Final = 4 * 1024 * 1024  # bytes
# Errors that mean a damaged file: SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_ERROR, which is what a missing table gives.
DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

TABLES: Final = f"""
PRAGMA page_size = {PAGE_SIZE};
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE meta (
    era TEXT, seq INTEGER, floor INTEGER, size INTEGER, tags INTEGER, boot TEXT, probes INTEGER
);
CREATE TABLE entries (
    key TEXT PRIMARY KEY, version INTEGER, generation INTEGER, used INTEGER, size INTEGER, tags TEXT, data BLOB
);
CREATE INDEX entries_used ON entries (used);
CREATE TABLE tags (tag TEXT PRIMARY KEY, latest INTEGER, expired INTEGER, staled INTEGER, deadline REAL) WITHOUT ROWID;
CREATE INDEX tags_latest ON tags (latest);
CREATE TABLE leases (key TEXT PRIMARY KEY, token INTEGER, owner TEXT, until REAL, postponed REAL) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""


class CacheFile:
    """One connection to the database of a folder; to be used by one thread.

    busy: seconds to wait for another process's transaction. max_size: bytes of the file.
    """

    def __init__(self, folder: Path, page: SharedPage, busy: float, max_size: int) -> None:
        self.folder = folder
        self.page = page
        self.boot = boot_id()
        self._busy = busy
        self._max_pages = max(64, max_size // PAGE_SIZE)
        self._pointer = folder / "current"
        self._path: Path | None = None
        self._identity: object = None
        self._connection: sqlite3.Connection | None = None

    def connection(self) -> sqlite3.Connection:
        """The connection to the database that is current now.

        Raises sqlite3.Error, OSError, or StoreUnavailable when another process does not let us in.
        """
        if self._connection is not None and self._identity == self._look():
            return self._connection
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            # Without a page there is no memory hit; the store works all the same.
            self.page.open()
        with hold(self.folder / "lock", self._busy) as held:
            if not held:
                raise StoreUnavailable("another process is opening the cache file and does not finish")
            connection = self._open_current() or self._replace()
        self._connection = connection
        self._identity = self._look()
        return connection

    def changed(self) -> bool:
        """Whether another database is current, or this one is not there any more."""
        return self._connection is not None and self._identity != self._look()

    def _look(self) -> object:
        if self._path is None:
            return None
        try:
            pointer, database = self._pointer.stat(), self._path.stat()
        except OSError:
            return None
        return (pointer.st_ino, pointer.st_mtime_ns, database.st_dev, database.st_ino)

    def _open_current(self) -> sqlite3.Connection | None:
        """The database that `current` names; None when there is none that can be used."""
        try:
            name = self._pointer.read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        path = self.folder / f"{name}.db"
        if not name.isalnum() or not path.exists():
            return None
        try:
            connection = self._connect(path)
        except sqlite3.DatabaseError as error:
            if damaged(error):
                return None
            raise
        self._path = path
        return connection

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        try:
            # Without a way to tell one start of the machine from the next every commit has to reach the disk.
            connection.execute(f"PRAGMA synchronous = {'NORMAL' if self.boot else 'FULL'}")
            connection.execute(
                "PRAGMA wal_autocheckpoint = 0"
            )  # a checkpoint would keep writers waiting: see shorten_log()
            connection.execute(f"PRAGMA journal_size_limit = {LONG_LOG}")
            connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise sqlite3.DatabaseError("the tables are of another version")
            seq, boot = connection.execute("SELECT seq, boot FROM meta").fetchone() or (0, "none")
            if boot and boot != self.boot:
                raise sqlite3.DatabaseError("the machine went down, and may have taken the last revalidations with it")
            if self.page.words[FLOOR] == UNSURE or self.page.latest < seq:
                self._settle_page(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _settle_page(self, connection: sqlite3.Connection) -> None:
        """A new page knows nothing of what was revalidated before: from here on it does."""
        connection.execute("BEGIN IMMEDIATE")  # no revalidation is between page and database now
        try:
            with contextlib.suppress(OSError):
                self.page.raise_floor(connection.execute("SELECT seq FROM meta").fetchone()[0])
        finally:
            connection.execute("ROLLBACK")

    def _replace(self) -> sqlite3.Connection:
        """Make an empty database current."""
        # Higher than every generation that any process remembers, so that nothing of an earlier era looks checked.
        start = max(self.page.latest + 1, time.time_ns() // 1000)
        era = f"{os.urandom(8).hex()}x{start}"
        path = self.folder / f"{era}.db"
        made = self.folder / f"current.{era}"
        try:
            _make_tables(path, era, start, self._busy)
            with contextlib.suppress(OSError):
                self.page.raise_floor(start)
            made.write_text(era, encoding="ascii")
            made.replace(self._pointer)
        except BaseException:
            for file in (made, *self.folder.glob(f"{era}.db*")):
                file.unlink(missing_ok=True)
            raise
        for other in self.folder.glob("*.db*"):
            if not other.name.startswith(era):
                with contextlib.suppress(OSError):  # Windows keeps what another process has open
                    other.unlink()
        self._path = path
        return self._connect(path)

    def discard(self) -> None:
        """The database is damaged: the next connection() is to another one."""
        self.close()
        with hold(self.folder / "lock", self._busy) as held:
            if held and self._path is not None:
                with contextlib.suppress(OSError):
                    # Another process may have replaced it already.
                    if self._pointer.read_text(encoding="ascii") == self._path.stem:
                        self._pointer.unlink()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def log_size(self) -> int:
        """Bytes of the log, which are not in the database itself yet."""
        try:
            return Path(f"{self._path}-wal").stat().st_size
        except OSError:
            return 0

    def shorten_log(self) -> None:
        """Move what the log holds into the database. Raises sqlite3.Error, OSError or StoreUnavailable."""
        connection = self.connection()
        # PASSIVE waits for nobody; a log that is never found unused grows, until one insists.
        kind = "PASSIVE" if self.log_size() < 8 * LONG_LOG else "TRUNCATE"
        connection.execute(f"PRAGMA wal_checkpoint({kind})")


def _make_tables(path: Path, era: str, start: int, busy: float) -> None:
    connection = sqlite3.connect(path, timeout=busy, isolation_level=None)
    try:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO meta VALUES (?, ?, ?, 0, 0, '', 0)", (era, start, start))
        connection.execute("COMMIT")
    finally:
        connection.close()


def damaged(error: sqlite3.Error) -> bool:
    """Whether the error means that the file is not what it was, rather than that it can't be used now."""
    code = getattr(error, "sqlite_errorcode", None)
    # Our own DatabaseError has no code.
    return code is None or code & 0xFF in DAMAGED
