"""Posts in a SQLite file. The queries run in a thread, so that other requests are answered meanwhile."""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Annotated, TypedDict, TypeVar

from msgspec import Meta

T = TypeVar("T")

TABLE = "create table if not exists posts (id integer primary key, title text not null, content text not null)"


PostId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class Draft(TypedDict):
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    content: Annotated[str, Meta(max_length=100_000)]


class Post(Draft):
    id: int


async def newest(limit: int) -> list[Post]:
    select = "select * from posts order by id desc limit ?"
    return await _run(lambda db: [_post(row) for row in db.execute(select, [limit])])


async def find(post_id: int) -> Post | None:
    return await _run(lambda db: _one(db.execute("select * from posts where id = ?", [post_id])))


async def create(draft: Draft) -> Post:
    insert = "insert into posts (title, content) values (:title, :content) returning *"
    return await _run(lambda db: _post(db.execute(insert, draft).fetchone()))


async def change(post_id: int, draft: Draft) -> Post | None:
    update = "update posts set title = :title, content = :content where id = :id returning *"
    return await _run(lambda db: _one(db.execute(update, Post(id=post_id, **draft))))


async def remove(post_id: int) -> bool:
    return await _run(lambda db: db.execute("delete from posts where id = ?", [post_id]).rowcount > 0)


async def _run(query: Callable[[sqlite3.Connection], T]) -> T:
    def work() -> T:
        with closing(sqlite3.connect(os.environ.get("DATABASE_FILE", "posts.db"))) as db, db:
            db.row_factory = sqlite3.Row
            db.execute(TABLE)
            return query(db)

    return await asyncio.to_thread(work)


def _one(rows: sqlite3.Cursor) -> Post | None:
    row = rows.fetchone()
    return _post(row) if row else None


def _post(row: sqlite3.Row) -> Post:
    return Post(id=row["id"], title=row["title"], content=row["content"])
