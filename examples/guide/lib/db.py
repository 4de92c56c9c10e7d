"""The database: `async with session() as db` to read, `async with session.begin() as db` to write."""

from __future__ import annotations

import os

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.schema import CreateTable

from lib.schema import Base
from lib.settings import DATA

engine = create_async_engine(os.environ.get("DATABASE_URL") or f"sqlite+aiosqlite:///{DATA / 'guide.db'}")
session = async_sessionmaker(engine, expire_on_commit=False)


async def make_tables() -> None:
    """IF NOT EXISTS, because several workers may start at the same moment."""
    async with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            assert isinstance(table, Table)
            await connection.execute(CreateTable(table, if_not_exists=True))
