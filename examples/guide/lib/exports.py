"""A job that takes its time: a row in the database says what is to be done, and later what became of it."""

from __future__ import annotations

from sqlalchemy import func, select

from lib.db import session
from lib.schema import Export, Post


async def create_export(owner_id: str) -> Export:
    export = Export(owner_id=owner_id)
    async with session.begin() as db:
        db.add(export)
    return export


async def get_export(export_id: int, owner_id: str) -> Export | None:
    """Someone else's export looks like none."""
    async with session() as db:
        export = await db.get(Export, export_id)
        return export if export is not None and export.owner_id == owner_id else None


async def run_export(export_id: int) -> None:
    """May run twice: a worker that begins anew finds the rows that are not done."""
    async with session.begin() as db:
        export = await db.get_one(Export, export_id)
        count = select(func.count()).select_from(Post).where(Post.author_id == export.owner_id)
        export.posts = await db.scalar(count)
