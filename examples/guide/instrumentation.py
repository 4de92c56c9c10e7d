"""Runs once in every worker: up to the `yield` before the first request, and from there when it stops."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lib.db import engine, make_tables


async def register() -> AsyncIterator[None]:
    await make_tables()
    yield
    await engine.dispose()
