from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from waypost.file_lock import lock
from waypost.sqlite_file import SQLiteFile

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS n (value INTEGER NOT NULL); INSERT INTO n SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM n)"
)
# A row without its parent is refused by COMMIT, not by INSERT.
DEFERRED = """
CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
PRAGMA foreign_keys = ON;
"""

COUNTER = f"""
import asyncio, sys
from waypost.sqlite_file import SQLiteFile

async def main():
    file = SQLiteFile(sys.argv[1], {SCHEMA!r})
    def add(connection):
        value = connection.execute("SELECT value FROM n").fetchone()[0]
        connection.execute("UPDATE n SET value = ?", (value + 1,))
    for _ in range(100):
        await file.run(add)
    await file.close()

asyncio.run(main())
"""


def value(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT value FROM n").fetchone()[0])


def writing(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE n SET value = 1")


def raising(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE n SET value = 99")
    raise KeyError("after a write")


def test_what_raises_is_undone_and_the_next_goes_on(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "new" / "a.db", SCHEMA)

    async def work() -> None:
        with pytest.raises(KeyError):
            await file.run(raising)
        assert await file.run(value) == 0
        with pytest.raises(sqlite3.OperationalError):
            await file.run(lambda connection: connection.execute("SELECT * FROM nothing"))
        assert await file.run(value) == 0
        await file.close()
        await file.close()
        assert await file.run(value) == 0, "a closed file opens again"
        await file.close()

    asyncio.run(work())


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", SCHEMA)

    async def work() -> None:
        await file.run(writing)
        assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == dict.fromkeys(
            ("a.db", "a.db-wal", "a.db-shm", "a.db-lock"), "0o600"
        )
        await file.close()

    asyncio.run(work())


def test_its_thread_does_not_keep_a_server_that_stops(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    files = [SQLiteFile(tmp_path / name, SCHEMA) for name in ("closed.db", "forgotten.db")]
    for file in files:
        asyncio.run(file.run(value))
    threads = [thread for thread in set(threading.enumerate()) - before if thread.name == "waypost-sqlite"]
    assert [thread.daemon for thread in threads] == [True, True]
    asyncio.run(files[0].close())
    del file, files
    gc.collect()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", f"{SCHEMA}; {DEFERRED}")

    async def work() -> None:
        with pytest.raises(sqlite3.IntegrityError):
            await file.run(lambda connection: connection.execute("INSERT INTO child VALUES (5)"))
        assert await file.run(value) == 0
        await file.close()

    asyncio.run(work())


def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    running = [subprocess.Popen([sys.executable, "-c", COUNTER, str(path)]) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    file = SQLiteFile(path, SCHEMA)

    async def work() -> Any:
        found = await file.run(value)
        await file.close()
        return found

    assert asyncio.run(work()) == 400


@pytest.mark.skipif(os.name != "posix", reason="a lock of another open file is taken as POSIX does")
def test_a_process_that_stops_inside_a_transaction_is_waited_for_only_so_long(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", SCHEMA, busy_timeout=0.3)

    async def refused(after: float) -> float:
        await asyncio.sleep(after)
        begun = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await file.run(value)
        return time.monotonic() - begun

    async def work() -> list[float]:
        await file.run(value)
        other = os.open(f"{file.path}-lock", os.O_RDWR)
        assert lock(other, 0)
        # Those that wait behind the first wait no longer than it does.
        waited = await asyncio.wait_for(asyncio.gather(*(refused(0.01 * number) for number in range(20))), 5)
        os.close(other)
        assert await file.run(value) == 0
        await file.close()
        return waited

    waited = asyncio.run(work())
    assert min(waited) > 0.25 and max(waited) < 2


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted as Linux does")
def test_a_file_that_is_forgotten_leaves_nothing_open(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", SCHEMA)
    asyncio.run(file.run(value))

    def still_open() -> list[str]:
        links = Path("/proc/self/fd").iterdir()
        return [str(target) for link in links if link.is_symlink() and (target := link.readlink()).parent == tmp_path]

    assert len(still_open()) >= 2
    del file
    end = time.monotonic() + 5
    while still_open() and time.monotonic() < end:  # its thread lets go of it a moment after it has answered
        gc.collect()
        time.sleep(0.01)
    assert still_open() == []


def test_the_loop_goes_on_while_a_statement_runs(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "a.db", SCHEMA)

    async def work() -> int:
        await file.run(value)
        slow = asyncio.create_task(file.run(lambda connection: time.sleep(0.2)))
        steps = 0
        while not slow.done():
            await asyncio.sleep(0.01)
            steps += 1
        await file.close()
        return steps

    assert asyncio.run(work()) > 5
