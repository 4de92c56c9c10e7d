"""Runs once in every worker before the first request."""

from __future__ import annotations

from lib.db import make_tables


async def register() -> None:
    await make_tables()
