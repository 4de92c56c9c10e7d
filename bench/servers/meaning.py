"""What every Python server of the bench answers: the data, the two schemas, the SQLite rows.

One copy, so that no peer does more or less work than another. Knows no server and no framework;
the two validation libraries are imported only by the servers that use them.
(No `from __future__ import annotations`: the models are classes inside functions, whose names
could not be looked up from a string.)
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from functools import cache
from pathlib import Path
from typing import Any

GUARDED = os.environ.get("BENCH_GUARDED") == "1"  # the copy of a server with CORS and a token check in front
TOKEN = "Bearer s3cret-token"
ORIGIN = "https://example.com"
FILE = str(Path(__file__).resolve().parent.parent / "data" / "100m.bin")
FILE_SIZE = 100 * 1024 * 1024
SMALL = {"message": "Hello, World!", "ok": True, "n": 42}
SMALL_BYTES = b'{"message":"Hello, World!","ok":true,"n":42}'
SSE_CHUNKS = 100

_database = sqlite3.connect(":memory:", check_same_thread=False)
_database.execute("create table items (id integer primary key, name text, price real, created text)")
_database.executemany(
    "insert into items values (?,?,?,?)",
    [(i, f"Item number {i}", i * 1.25, "2026-01-02T03:04:05Z") for i in range(1, 201)],
)


def rows() -> list[dict[str, Any]]:
    """Fifty rows, read anew at each call."""
    cursor = _database.execute("select id, name, price, created from items order by id limit 50")
    return [{"id": a, "name": b, "price": c, "created": d} for a, b, c, d in cursor.fetchall()]


def sse_chunk(i: int) -> bytes:
    return b'data: {"i":%d}\n\n' % i


async def sse_chunks() -> AsyncIterator[bytes]:
    for i in range(SSE_CHUNKS):
        yield sse_chunk(i)


def total(lines: Iterable[Any]) -> float:
    return round(sum(line.qty * line.price for line in lines), 2)


@cache
def pydantic_models() -> tuple[Any, Any]:
    """(Order, Created) as pydantic models; imported at the first call, so that a server without them stays small."""
    from pydantic import BaseModel

    class Line(BaseModel):
        sku: str
        qty: int
        price: float

    class Address(BaseModel):
        street: str
        city: str
        zip: str
        country: str

    class Order(BaseModel):
        id: int
        name: str
        email: str
        active: bool
        discount: float
        tags: list[str]
        address: Address
        lines: list[Line]
        note: str | None = None

    class Created(BaseModel):
        id: int
        name: str
        total: float
        count: int

    return Order, Created


@cache
def msgspec_models() -> tuple[Any, Any]:
    """(Order, Created) as msgspec Structs."""
    import msgspec

    class Line(msgspec.Struct):
        sku: str
        qty: int
        price: float

    class Address(msgspec.Struct):
        street: str
        city: str
        zip: str
        country: str

    class Order(msgspec.Struct):
        id: int
        name: str
        email: str
        active: bool
        discount: float
        tags: list[str]
        address: Address
        lines: list[Line]
        note: str | None = None

    class Created(msgspec.Struct):
        id: int
        name: str
        total: float
        count: int

    return Order, Created
