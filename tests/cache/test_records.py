"""Memory: bounded in bytes, and what is in use stays."""

from __future__ import annotations

import time

from waypost.cache.entry import Entry
from waypost.cache.records import OVERHEAD, Record, Records
from waypost.cache.store import Fence, Found


def record(key: str, size: int = 1000, **times: float) -> Record:
    entry = Entry(200, (), b"x" * size, time.time(), **times)
    return Record(key, Found(entry, "fresh", Fence("e", 1), 1, 1), 0, ())


def test_the_ceiling_holds_for_ten_times_as_many_keys() -> None:
    records = Records(100_000)
    for number in range(10_000):
        records.put(f"{number:05}", record("12345", number % 3000))
        assert records.size <= 100_000
    assert records.size == sum(item.size for item in records.table.values())
    assert len(records.table) > 20


def test_what_is_used_outlives_what_is_not() -> None:
    records = Records(50 * (2000 + OVERHEAD))
    used = record("used")
    records.put("used", used)
    for number in range(500):
        used.used = True
        records.put(str(number), record(str(number)))
    assert "used" in records.table
    used.used = False
    for number in range(500):
        records.put(str(number), record(str(number)))
    assert "used" not in records.table


def test_too_large_is_refused_and_the_old_one_is_gone() -> None:
    records = Records(20_000)
    assert records.put("k", record("k"))
    assert not records.put("k", record("k", 6000))
    assert not records.table
    assert records.size == 0


def test_nothing_is_kept_without_room() -> None:
    records = Records(0)
    assert not records.put("k", record("k", 0))
    assert not records.table


def test_replacing_dropping_and_clearing_count_right() -> None:
    records = Records(100_000)
    records.put("k", record("k", 10))
    records.put("k", record("k", 20))
    assert records.size == 20 + 1 + OVERHEAD
    records.drop("k")
    records.drop("k")
    assert records.size == 0
    records.put("k", record("k", 10))
    records.clear()
    assert records.size == 0


def test_how_long_it_is_fresh() -> None:
    now = time.monotonic()
    assert record("k").fresh_until == float("inf")
    assert abs(record("k", revalidate=60).fresh_until - now - 60) < 5
    assert abs(record("k", revalidate=60, expire=30).fresh_until - now - 30) < 5
    stale = Found(Entry(200, (), b"", 0.0), "stale", Fence("e", 1))
    assert Record("k", stale, 0, ()).fresh_until == 0
