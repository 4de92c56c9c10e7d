"""What the SQLite store does with its tables: each function is one transaction. Blocking; knows no event loop."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from waypost.cache.entry import CorruptEntryError, decode_entry
from waypost.cache.leases import Claim
from waypost.cache.names import draw_number
from waypost.cache.owner import is_gone
from waypost.cache.shared_page import SharedPage, slots_of
from waypost.cache.sqlite_file import PAGE_SIZE, CacheFile
from waypost.cache.store import Fence, Found
from waypost.cache.tags import FOREVER, NONE, UNMARKED, Mark, judge, outdated, untouched

USED_EVERY: Final = 60  # seconds between two notes that an entry is in use
ROW_COST: Final = 300  # bytes of a row beside its data, in both indexes
LEASE_TIME: Final = 6.0  # seconds

# The marks of all tags of an entry as one: the newest of each kind, the earliest deadline that counts.
_MARKS: Final = """(
    SELECT max(expired) || ' ' || max(staled) || ' ' ||
           coalesce(min(CASE WHEN staled > {generation} THEN deadline END), '')
    FROM json_each({tags}) JOIN tags ON tags.tag = json_each.value
)"""
_READ: Final = f"""
    SELECT meta.era, meta.seq, meta.floor, e.version, e.generation, e.used,
           CASE WHEN e.version IS :known THEN NULL ELSE e.data END,
           {_MARKS.format(generation="e.generation", tags="e.tags")}
    FROM meta LEFT JOIN entries e ON e.key = :key
"""
_CHECK: Final = f"SELECT era, seq, floor, size, {_MARKS.format(generation=':generation', tags=':tags')} FROM meta"


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a key gave.

    now: the store's time. idle: nobody has noted for long that the entry is used. corrupt: its bytes are no entry.
    """

    now: Fence
    found: Found | None = None
    idle: bool = False
    corrupt: bool = False


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """The only writer of all processes, until the block ends."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended it already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read(connection: sqlite3.Connection, key: str, have: Found | None) -> Read:
    """One snapshot of an entry and its tags. key: its digest. have: what the caller holds of it."""
    known = None if have is None else have.version
    row = connection.execute(_READ, {"key": key, "known": known}).fetchone()
    era, seq, floor, version, generation, used, data, marks = row
    now = Fence(era, seq)
    if version is None:
        return Read(now)
    if have is not None and version == have.version:
        entry = have.entry
    else:
        try:
            entry = decode_entry(data)
        except (CorruptEntryError, TypeError):
            return Read(now, corrupt=True)
    moment = time.time()
    mark = [_mark(marks)]
    state = judge(entry, generation, mark, floor, moment)
    if state == "gone":
        return Read(now)
    found = Found(entry, state, Fence(era, generation), version, seq, outdated(generation, mark))
    return Read(now, found, moment - used > USED_EVERY)


def _mark(text: str | None) -> Mark:
    if text is None:
        return UNMARKED
    expired, staled, deadline = text.split(" ")
    return Mark(int(expired), int(staled), float(deadline) if deadline else FOREVER)


def note_used(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("UPDATE entries SET used = ? WHERE key = ?", (int(time.time()), key))


def forget(connection: sqlite3.Connection, key: str) -> None:
    with transaction(connection):
        _drop(connection, "key = ?", (key,))


def _drop(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> int:
    """Delete entries; gives the bytes that they took."""
    rows = connection.execute(f"DELETE FROM entries WHERE {where} RETURNING size", values).fetchall()
    freed: int = sum(size for (size,) in rows)
    connection.execute("UPDATE meta SET size = size - ?", (freed,))
    return freed


def put(
    connection: sqlite3.Connection,
    key: str,
    version: int,
    fence: Fence,
    data: bytes,
    tags: list[str],
    token: int,
    limit: int,
) -> int | None:
    """Store an entry that was made behind `fence`.

    tags: their digests. token: of the lease that is ended by this; 0 for none. limit: bytes of all entries.
    Gives the generation at which its tags were checked, None when it is refused.
    """
    names = json.dumps(tags)
    with transaction(connection):
        if token and not _end_lease(connection, key, token):
            return None
        era, seq, floor, size, marks = connection.execute(
            _CHECK, {"generation": fence.generation, "tags": names}
        ).fetchone()
        if era != fence.era or not untouched(fence.generation, [_mark(marks)], floor):
            return None
        cost = _cost(len(data))
        if cost > limit // 4:
            return None
        size -= _drop(connection, "key = ?", (key,))
        if size + cost > limit:
            _evict(connection, size + cost - limit + limit // 50)
        connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, version, fence.generation, int(time.time()), cost, names, data),
        )
        connection.execute("UPDATE meta SET size = size + ?", (cost,))
    return int(seq)


def _cost(length: int) -> int:
    """Bytes that a row takes: what does not fit beside others has pages of its own."""
    return ROW_COST + (length if length < PAGE_SIZE // 2 else -(-length // PAGE_SIZE) * PAGE_SIZE)


def _evict(connection: sqlite3.Connection, wanted: int) -> None:
    """Delete what was longest not in use until `wanted` bytes are free."""
    chosen: list[int] = []
    for row, size in connection.execute("SELECT rowid, size FROM entries ORDER BY used, rowid"):
        if wanted <= 0:
            break
        chosen.append(row)
        wanted -= size
    _drop(connection, "rowid IN (SELECT value FROM json_each(?))", (json.dumps(chosen),))


def revalidate(
    connection: sqlite3.Connection,
    file: CacheFile,
    tags: Sequence[str],
    names: Sequence[str],
    stale_for: float,
    limit: int,
) -> bool:
    """Mark the tags. names: their digests, in the same order. limit: number of tags that are remembered.

    Raises OSError when the page can't be written. False: it went into a database that was replaced meanwhile, and
    that nobody reads any more.
    """
    _note_boot(connection, file.boot)
    page, slots = file.page, slots_of(tags)
    with transaction(connection):
        (seq,) = connection.execute("SELECT seq FROM meta").fetchone()
        # The page may be ahead: whoever raised it last did not live to commit.
        generation, now, added = max(seq, page.latest) + 1, time.time(), 0
        for name in names:
            row = connection.execute("SELECT expired, staled, deadline FROM tags WHERE tag = ?", (name,)).fetchone()
            added += row is None
            mark = (Mark(*row) if row else UNMARKED).revalidated(generation, stale_for, now)
            connection.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?, ?)", (name, mark.latest, *mark))
        connection.execute("UPDATE meta SET seq = ?, tags = tags + ?", (generation, added))
        _forget_tags(connection, limit)
        # Before the commit: see shared_page. When it can't be done, nothing is committed either.
        page.raise_slots(slots, generation)
    return not file.changed()


def _note_boot(connection: sqlite3.Connection, boot: str) -> None:
    """Say on the disk itself that from here on commits may be lost when the machine goes down.

    After such an end the file is not used any more (sqlite_file). So revalidations need not wait for the disk.
    """
    if connection.execute("SELECT boot FROM meta").fetchone()[0] == boot:
        return
    connection.execute("PRAGMA synchronous = FULL")
    try:
        connection.execute("UPDATE meta SET boot = ?", (boot,))
    finally:
        if boot:
            connection.execute("PRAGMA synchronous = NORMAL")


def _forget_tags(connection: sqlite3.Connection, limit: int) -> None:
    (count,) = connection.execute("SELECT tags FROM meta").fetchone()
    if count <= limit:
        return
    # A few more than needed, so that not every revalidation has to.
    surplus = count - limit + limit // 50
    rows = connection.execute("SELECT tag, latest FROM tags ORDER BY latest LIMIT ?", (surplus,)).fetchall()
    connection.executemany("DELETE FROM tags WHERE tag = ?", [(tag,) for tag, _ in rows])
    highest = max((latest for _, latest in rows), default=NONE)
    connection.execute("UPDATE meta SET floor = max(floor, ?), tags = tags - ?", (highest, len(rows)))


def catch_up(connection: sqlite3.Connection, page: SharedPage) -> None:
    """Bring the clock up to the page, which is ahead since a revalidation was not committed."""
    with transaction(connection):
        connection.execute("UPDATE meta SET seq = max(seq, ?)", (page.latest,))


# -- leases


def look_at_lease(connection: sqlite3.Connection, key: str, wait: bool) -> bool:
    """Whether a claim of the key has a chance."""
    row = connection.execute("SELECT owner, until, postponed FROM leases WHERE key = ?", (key,)).fetchone()
    if row is None:
        return True
    owner, until, postponed = row
    now = time.time()
    # A lease that would hold longer than any was made before the clock was set back.
    if now < until <= now + LEASE_TIME and not is_gone(owner):
        return False
    return wait or not now < postponed <= now + 3600


def claim(connection: sqlite3.Connection, key: str, owner: str, wait: bool) -> Claim:
    """Take the lease of a key that nobody else has, and that is not filled already."""
    with transaction(connection):
        had = read(connection, key, None)
        if had.found is not None and had.found.state == "fresh":
            return Claim(found=had.found)
        if not look_at_lease(connection, key, wait):
            return Claim()
        token = draw_number()
        until = time.time() + LEASE_TIME
        connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, 0)", (key, token, owner, until))
    return Claim(token, had.now)


def renew(connection: sqlite3.Connection, key: str, token: int) -> bool:
    until = time.time() + LEASE_TIME
    done = connection.execute("UPDATE leases SET until = ? WHERE key = ? AND token = ?", (until, key, token))
    return done.rowcount == 1


def release(connection: sqlite3.Connection, key: str, token: int, postpone: float) -> None:
    if postpone:
        until = time.time() + postpone
        connection.execute(
            "UPDATE leases SET until = 0, token = 0, postponed = ? WHERE key = ? AND token = ?", (until, key, token)
        )
    else:
        _end_lease(connection, key, token)


def _end_lease(connection: sqlite3.Connection, key: str, token: int) -> bool:
    return connection.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token)).rowcount == 1


def sweep(connection: sqlite3.Connection) -> None:
    """Delete the leases that nobody came back for."""
    now = time.time()
    connection.execute("DELETE FROM leases WHERE until < ? AND postponed < ?", (now, now))


# -- upkeep


def probe_read(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT seq FROM meta").fetchone()


def probe_write(connection: sqlite3.Connection) -> None:
    """Write something, on the disk too: a full one lets everything else pass."""
    with transaction(connection):
        # A new value each time, as one that is there already is not written.
        connection.execute("UPDATE meta SET probes = probes + 1")


def settle(connection: sqlite3.Connection, page: SharedPage) -> None:
    """Give a page that was made anew its floor."""
    with contextlib.suppress(OSError), transaction(connection):
        page.open()
        page.begin(connection.execute("SELECT seq FROM meta").fetchone()[0])
