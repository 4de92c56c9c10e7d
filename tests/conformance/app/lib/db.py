"""The posts of the reference application, in a SQLite file that all workers share.

DB_FILE names the file; without it, ref.db beside pyproject.toml.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, RowMapping, Table, Text, event
from sqlalchemy.ext.asyncio import create_async_engine

FILE = Path(os.environ.get("DB_FILE") or Path(__file__).parent.parent / "ref.db")

metadata = MetaData()
posts = Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("title", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("updated_at", Integer),
    sqlite_autoincrement=True,
)

db = create_async_engine(f"sqlite+aiosqlite:///{FILE}")


@event.listens_for(db.sync_engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # Readers in one worker must not fail while another worker re-seeds.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA busy_timeout = 5000")
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


async def seed() -> None:
    """Twelve posts with the ids 1 to 12; the next one is 13."""
    rows = [
        {
            "title": f"Post {n}",
            "content": f"Content of post {n}",
            "slug": f"post-{n}",
            "created_at": 1_700_000_000 + n * 60,
        }
        for n in range(1, 13)
    ]
    async with db.begin() as connection:
        # Dropping an AUTOINCREMENT table also forgets its last id.
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        await connection.execute(posts.insert(), rows)


def slug(title: str) -> str:
    return re.sub(r"\s+", "-", title.lower())


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def iso(seconds: int | None) -> str | None:
    """Unix time as JavaScript's Date writes it into JSON: UTC, three decimals, Z."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def post_json(row: RowMapping) -> dict[str, Any]:
    """A row under the names the API uses."""
    return {
        "id": row["id"],
        "title": row["title"],
        "content": row["content"],
        "slug": row["slug"],
        "createdAt": iso(row["created_at"]),
        "updatedAt": iso(row["updated_at"]),
    }


def integer(text: str | None, *, default: int | None = None, low: int = 0, high: int = 2**63 - 1) -> int | None:
    """A decimal number between low and high; default for no text, None for anything else."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if low <= number <= high else None
