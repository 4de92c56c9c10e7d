"""The file of the SQLite store in trouble: the handler runs in time, nothing wrong is served, and it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.cache.faults import TIMEOUT, Client, LogLines, through_a_fault
from tests.cache.stores import entry

from waypost.cache.layered import LayeredStore
from waypost.cache.sqlite_store import SQLiteStore
from waypost.errors import StoreUnavailable

Test = Callable[[LayeredStore], Awaitable[None]]


def make_store(folder: Path, *, memory: int = 1 << 22, max_size: int = 1 << 24) -> LayeredStore:
    return LayeredStore(SQLiteStore(folder, max_size=max_size, max_tags=1000, timeout=TIMEOUT), memory)


def run(folder: Path, test: Test, *, memory: int = 1 << 22) -> None:
    async def with_store() -> None:
        store = make_store(folder, memory=memory)
        await store.open()
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(with_store())


def database(folder: Path) -> Path:
    return folder / f"{(folder / 'current').read_text()}.db"


async def nothing() -> None:
    pass


# -- locked


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
@pytest.mark.parametrize("memory", [0, 1 << 22])
def test_locked_by_another_process(folder: Path, how: str, memory: int) -> None:
    async def test(store: LayeredStore) -> None:
        other = sqlite3.connect(database(folder), isolation_level=None, check_same_thread=False)

        async def lock() -> None:
            other.execute(f"BEGIN {how}")

        async def unlock() -> None:
            other.execute("ROLLBACK")

        with LogLines() as log:
            await through_a_fault(store, lock, unlock, seconds=1.0, hidden=True)
        assert len(log.lines) == 1, log.lines
        other.close()

    run(folder, test, memory=memory)


def test_a_revalidation_that_can_not_be_written_is_an_error(folder: Path) -> None:
    async def test(store: LayeredStore) -> None:
        assert await store.set("k", entry(b"x", "a"), await store.fence())
        with contextlib.closing(sqlite3.connect(database(folder), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await store.revalidate(["a"])
            other.execute("ROLLBACK")
        await Client(store).recovers()
        await store.revalidate(["a"])
        assert await store.get("k") is None

    run(folder, test)


def test_a_process_that_stops_in_the_middle_of_opening(folder: Path) -> None:
    """It holds the lock of the folder; those who have the file open need nothing of it."""
    folder.mkdir(parents=True)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(folder / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    async def test(store: LayeredStore) -> None:
        client = Client(store)
        await client.use(0.5)
        assert client.slowest < 0.3
        assert client.hits == 0
        holder.kill()
        holder.communicate()
        await client.recovers()

    with LogLines():
        run(folder, test)


HOLD_LOCK = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


# -- deleted


def remove(*names: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        for name in names:
            for file in folder.glob(name):
                file.unlink()

    return harm


def truncate(name: str, share: float) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        for file in folder.glob(name):
            os.truncate(file, int(file.stat().st_size * share))

    return harm


def overwrite(name: str, offset: int, data: bytes) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        for file in folder.glob(name):
            with file.open("r+b") as opened:
                opened.seek(offset)
                opened.write(data)

    return harm


HARMS: dict[str, Callable[[Path], None]] = {
    "database deleted": remove("*.db"),
    "database and log deleted": remove("*.db*"),
    "log deleted": remove("*.db-wal"),
    "pointer deleted": remove("current"),
    "page deleted": remove("page"),
    "lock deleted": remove("lock"),
    "all deleted": remove("*"),
    "folder deleted": shutil.rmtree,
    "database empty": truncate("*.db", 0),
    "database cut in half": truncate("*.db", 0.5),
    "database cut to a page": truncate("*.db", 0.1),
    "log empty": truncate("*.db-wal", 0),
    "log cut": truncate("*.db-wal", 0.5),
    "pointer empty": truncate("current", 0),
    "pointer to nothing": overwrite("current", 0, b"0" * 16),
    "pointer is noise": overwrite("current", 0, b"\xff/../\x00"),
    "header is noise": overwrite("*.db", 0, b"\x00noise" * 50),
    "middle is noise": overwrite("*.db", 4096, b"\x5a" * 30_000),
    "log is noise": overwrite("*.db-wal", 32, b"\x5a" * 30_000),
}


@pytest.mark.parametrize(("checkpointed", "memory"), [(False, 0), (True, 1 << 22)], ids=["log", "checkpointed"])
@pytest.mark.parametrize("name", HARMS)
def test_harm_to_the_files(folder: Path, name: str, checkpointed: bool, memory: int) -> None:
    async def test(store: LayeredStore) -> None:
        async def harm() -> None:
            fence = await store.fence()
            for number in range(60):
                assert await store.set(f"other {number}", entry(b"x" * 1500), fence)
            if checkpointed:
                with contextlib.closing(sqlite3.connect(database(folder))) as other:
                    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            HARMS[name](folder)

        with LogLines() as log:
            await through_a_fault(store, harm, nothing, seconds=0.3, hidden=True)
            for number in range(60):
                found = await store.get(f"other {number}")
                assert found is None or found.entry.body == b"x" * 1500
        assert len(log.lines) <= 2, log.lines

    run(folder, test, memory=memory)


@pytest.mark.parametrize("name", HARMS)
def test_harm_while_it_is_closed(folder: Path, name: str) -> None:
    async def before(store: LayeredStore) -> None:
        fence = await store.fence()
        for number in range(60):
            assert await store.set(f"key {number}", entry(b"x" * 1500, "a"), fence)

    async def after(store: LayeredStore) -> None:
        for number in range(60):
            found = await store.get(f"key {number}")
            assert found is None or found.entry.body == b"x" * 1500
        assert await Client(store).recovers() < 2

    run(folder, before)
    HARMS[name](folder)
    run(folder, after)


def test_two_workers_agree_after_the_files_were_deleted(folder: Path) -> None:
    """The one has them open still; what the other revalidates in the new files, it must see."""

    async def test() -> None:
        for harm in (remove("*.db"), remove("current"), remove("*"), shutil.rmtree, truncate("*.db", 0)):
            one, two = make_store(folder), make_store(folder)
            await one.open()
            await two.open()
            assert await one.set("k", entry(b"old", "a"), await one.fence())
            for store in (one, two):
                assert await store.get("k") is not None
            harm(folder)
            await two.revalidate(["a"])
            assert one.peek("k") is None
            assert await one.get("k") is None
            await one.close()
            await two.close()

    asyncio.run(test())


def test_a_new_worker_and_an_old_one_agree_after_the_folder_was_deleted(folder: Path) -> None:
    """The old one learns of it when it looks, four times a second."""

    async def test() -> None:
        old = make_store(folder)
        await old.open()
        assert await old.set("k", entry(b"old", "a"), await old.fence())
        assert await old.get("k") is not None
        shutil.rmtree(folder)
        new = make_store(folder)
        await new.open()
        await new.revalidate(["a"])
        await asyncio.sleep(0.6)
        assert old.peek("k") is None
        assert await old.get("k") is None
        assert await new.set("k", entry(b"new", "a"), await new.fence())
        found = await old.get("k")
        assert found is not None
        assert found.entry.body == b"new"
        await old.revalidate(["a"])
        assert new.peek("k") is None
        await old.close()
        await new.close()

    asyncio.run(test())


# -- full, and not writable


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root and CAP_SYS_ADMIN: run the tests as root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    async def test(store: LayeredStore) -> None:
        filler = small_disk / "filler"

        async def fill() -> None:
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)

        async def free() -> None:
            filler.unlink()

        client = Client(store)
        assert await client.works()
        with LogLines() as log:
            await fill()
            await client.use(0.3)
            # Larger than what the log has left of what it once took.
            assert await client.works() or not await client.revalidate()
            with contextlib.suppress(StoreUnavailable):
                await store.set("large", entry(b"x" * 300_000), await store.fence())
            await client.use(0.5)
            await free()
            await client.recovers()
        assert len(log.lines) <= 1, log.lines
        assert client.slowest < 0.3
        assert await store.set("small", entry(b"x"), await store.fence())

    run(small_disk / "store", test)


def test_a_disk_that_is_full_from_the_start(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)

    async def test(store: LayeredStore) -> None:
        client = Client(store)
        await client.use(0.5)
        assert client.hits == 0
        assert len(list((small_disk / "store").glob("*.db"))) <= 1
        filler.unlink()
        await client.recovers()
        # The page could not be made either.
        await asyncio.sleep(0.6)
        await client.recovers()
        assert store.peek("client") is not None

    with LogLines() as log:
        run(small_disk / "store", test)
    assert 1 <= len(log.lines) <= 2, log.lines


def test_a_folder_that_can_not_be_made(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file")

    async def test(store: LayeredStore) -> None:
        client = Client(store)
        await client.use(0.5)
        assert client.hits == 0
        assert client.slowest < 0.3
        folder.unlink()
        await client.recovers()

    with LogLines() as log:
        run(folder, test)
    assert 1 <= len(log.lines) <= 2, log.lines


# -- limits


def test_the_file_stays_below_its_limit(folder: Path) -> None:
    limit = 1 << 21

    async def test() -> None:
        store = make_store(folder, memory=0, max_size=limit)
        await store.open()
        fence = await store.fence()
        kept = 0
        for number in range(600):
            assert await store.set(f"key {number}", entry(b"x" * (number * 37 % 30_000), "a", "b"), fence)
        for number in range(600):
            kept += await store.get(f"key {number}") is not None
        assert 50 < kept < 600
        assert await store.get("key 599") is not None
        await store.close()
        assert database(folder).stat().st_size <= limit

    asyncio.run(test())


def test_an_entry_of_more_than_a_quarter_of_the_limit_is_refused(folder: Path) -> None:
    async def test() -> None:
        store = make_store(folder, max_size=1 << 20)
        await store.open()
        assert await store.set("k", entry(b"small"), await store.fence())
        assert not await store.set("k", entry(b"x" * 300_000), await store.fence())
        found = await store.get("k")
        assert found is not None
        assert found.entry.body == b"small"
        async with store.lease("large") as lease:
            assert not await lease.store(entry(b"x" * 300_000))
        await store.close()

    asyncio.run(test())


def test_the_log_is_moved_into_the_database(folder: Path) -> None:
    async def test(store: LayeredStore) -> None:
        for number in range(40):
            assert await store.set(f"key {number % 5}", entry(os.urandom(400_000)), await store.fence())
            await asyncio.sleep(0.03)
        await asyncio.sleep(0.6)
        assert await store.set("last", entry(b"x"), await store.fence())
        assert Path(f"{database(folder)}-wal").stat().st_size < 12 << 20

    run(folder, test)


def test_after_the_machine_went_down_nothing_is_believed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last revalidations may not have reached the disk."""

    async def first(store: LayeredStore) -> None:
        assert await store.set("k", entry(b"x", "a"), await store.fence())

    async def second(store: LayeredStore) -> None:
        assert await store.get("k") is not None
        await store.revalidate(["b"])

    async def third(store: LayeredStore) -> None:
        assert await store.get("k") is None

    run(folder, first)
    monkeypatch.setattr("waypost.cache.sqlite_file.boot_id", lambda: "boot two")
    run(folder, second)  # no revalidation has been lost: there was none
    run(folder, second)
    monkeypatch.setattr("waypost.cache.sqlite_file.boot_id", lambda: "boot three")
    run(folder, third)
