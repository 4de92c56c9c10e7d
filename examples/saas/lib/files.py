"""Files of users: the bytes on the disk under a random name, all that is known of them in the database."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, func, select
from waypost import File

from lib.db import db
from lib.schema import FILE_NAME_LENGTH, StoredFile, User
from lib.settings import DATA

UPLOADS = DATA / "uploads"
FILE_ID = re.compile(r"[0-9a-f]{32}")
ACCEPTED = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
MAX_FILE_SIZE = 10 * 2**20
MAX_FILES = 100
MAX_BYTES = 200 * 2**20  # of one user


async def add_file(user: User, upload: File) -> StoredFile | None:
    """Keep an upload; None when the user has no room left. What dies in between leaves a file that nobody can see."""
    await asyncio.to_thread(UPLOADS.mkdir, mode=0o700, parents=True, exist_ok=True)
    path = Path(await upload.save(UPLOADS, fsync=True))
    file = StoredFile(
        id=path.name, owner_id=user.id, name=display_name(upload.name), type=upload.sniffed_type, size=upload.size
    )
    try:
        async with db.writing() as session:
            # The row of the user stands for the quota: two uploads at the same moment count each other.
            await session.execute(select(User.id).where(User.id == user.id).with_for_update())
            count, size = (
                await session.execute(
                    select(func.count(), func.coalesce(func.sum(StoredFile.size), 0)).where(
                        StoredFile.owner_id == user.id
                    )
                )
            ).one()
            if count < MAX_FILES and size + file.size <= MAX_BYTES:
                session.add(file)
                return file
    except BaseException:
        await remove(file.id)
        raise
    await remove(file.id)
    return None


async def list_files(user: User) -> Sequence[StoredFile]:
    """Newest first."""
    query = select(StoredFile).where(StoredFile.owner_id == user.id).order_by(StoredFile.created_at.desc())
    async with db.reading() as session:
        return (await session.scalars(query)).all()


async def get_file(user: User, file_id: str) -> StoredFile | None:
    """The file, if it is the user's: one of somebody else is as missing as one that never was."""
    if FILE_ID.fullmatch(file_id) is None:
        return None
    async with db.reading() as session:
        return await session.scalar(select(StoredFile).where(StoredFile.id == file_id, StoredFile.owner_id == user.id))


async def delete_file(user: User, file_id: str) -> bool:
    file = await get_file(user, file_id)
    if file is None:
        return False
    async with db.writing() as session:
        await session.execute(delete(StoredFile).where(StoredFile.id == file.id))
    await remove(file.id)
    return True


async def remove(file_id: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        await asyncio.to_thread((UPLOADS / file_id).unlink)


def display_name(name: str) -> str:
    """The client's name for a file without folders and control characters; it is shown, and never opened."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:FILE_NAME_LENGTH] or "file"
