"""The database: one engine for the process, one session for each unit of work.

`DATABASE_URL` chooses it (`postgresql://user:password@host/name`, `sqlite:///file.db`); without it everything is in
`saas.db` in the data folder. The first session makes the tables.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from lib.schema import Base
from lib.settings import DATA

# Any number will do, as long as every process that makes the tables takes the same.
SETUP_LOCK = 7_203_612
BUSY = 15.0  # seconds that a writer of SQLite waits for the others


class Database:
    """Opened at the first session, with the `DATABASE_URL` of that moment; after `close()` it can be opened again."""

    def __init__(self) -> None:
        self._engine: AsyncEngine | None = None
        self._sessions: async_sessionmaker[AsyncSession] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A session that changes nothing."""
        async with (self._sessions or await self._open()).begin() as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession]:
        """A session in a transaction: committed when the block ends, rolled back when it raises."""
        async with (self._sessions or await self._open()).begin() as session:
            await session.connection(execution_options={"writes": True})
            yield session

    async def close(self) -> None:
        """Close every connection. A test calls it; a server does not need to."""
        engine, self._engine, self._sessions = self._engine, None, None
        self._opening = asyncio.Lock()  # a lock belongs to the event loop it was first waited for in
        if engine is not None:
            await engine.dispose()

    async def _open(self) -> async_sessionmaker[AsyncSession]:
        async with self._opening:  # a hundred first requests open one engine
            if self._sessions is None:
                self._engine = self._engine or make_engine(database_url())
                await make_tables(self._engine)
                # Objects stay readable after the commit; otherwise reading one would be a query nobody can await.
                self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
            return self._sessions


def database_url() -> URL:
    """`DATABASE_URL` with the async driver filled in, so that the URL a host gives you works as it is."""
    url = make_url(os.environ.get("DATABASE_URL") or f"sqlite:///{DATA / 'saas.db'}")
    if url.drivername == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    if url.drivername in ("postgres", "postgresql"):
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name for what asyncpg calls ssl
            query["ssl"] = query.pop("sslmode")
        return url.set(drivername="postgresql+asyncpg", query=query)
    return url


def make_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        if url.database not in (None, "", ":memory:"):
            file = Path(url.database)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)  # SQLite would let everybody on the machine read it
        engine = create_async_engine(url, connect_args={"timeout": BUSY})
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    # pre_ping: a connection that the server closed overnight is replaced instead of failing a request.
    return create_async_engine(url, pool_pre_ping=True)


async def make_tables(engine: AsyncEngine) -> None:
    """Make the tables, once, however many workers start at the same moment."""
    async with engine.connect() as connection:
        connection = await connection.execution_options(writes=True)
        async with connection.begin():
            if engine.dialect.name != "sqlite":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SETUP_LOCK})
            await connection.run_sync(Base.metadata.create_all)


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where sqlite3 guesses
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # readers do not wait for the writer
    cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged outlives a loss of power
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails when another wrote in between: writers say so at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


db = Database()
