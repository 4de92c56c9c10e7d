"""Users: signing up, proving who one is, and what administrators may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from lib.db import db
from lib.ledger import add_entry
from lib.passwords import hash_password, is_outdated, matches
from lib.schema import StoredSession, User

WELCOME_CREDITS = 10


async def sign_up(email: str, name: str, password: str) -> None:
    """Make an account; nothing happens where there is one, and it takes as long."""
    password_hash = await hash_password(password)
    try:
        async with db.writing() as session:
            user = User(email=email, name=name, password_hash=password_hash)
            session.add(user)
            await session.flush()
            await add_entry(session, user.id, WELCOME_CREDITS, "welcome")
    except IntegrityError:
        return


async def authenticate(email: str, password: str) -> User | None:
    """The user, if the password is right. For a wrong one, nobody and a closed account it is the same, in time too."""
    async with db.reading() as session:
        user = await session.scalar(select(User).where(User.email == email))
    right = await matches(password, user.password_hash if user is not None else None)
    if user is None or not right or user.disabled:
        return None
    if is_outdated(user.password_hash):
        renewed = await hash_password(password)
        async with db.writing() as session:
            same = (User.id == user.id, User.password_hash == user.password_hash)
            user = await session.scalar(update(User).where(*same).values(password_hash=renewed).returning(User))
        if user is None:  # somebody else was faster: the password is looked at again
            return await authenticate(email, password)
    return user


async def get_user(user_id: int) -> User | None:
    async with db.reading() as session:
        return await session.get(User, user_id)


async def rename(user_id: int, name: str) -> User | None:
    async with db.writing() as session:
        return await session.scalar(update(User).where(User.id == user_id).values(name=name).returning(User))


async def change_password(user: User, current: str, new: str) -> User | None:
    """Set a new password and end every session of the user. None when `current` is wrong."""
    if not await matches(current, user.password_hash):
        return None
    password_hash = await hash_password(new)
    async with db.writing() as session:
        # Where somebody else was faster, the password that was shown is not the current one any more.
        same = (User.id == user.id, User.password_hash == user.password_hash)
        changed = await session.scalar(update(User).where(*same).values(password_hash=password_hash).returning(User))
        if changed is not None:
            await session.execute(delete(StoredSession).where(StoredSession.user_id == user.id))
    return changed


async def list_users(page: int, limit: int) -> Sequence[User]:
    async with db.reading() as session:
        users = await session.scalars(select(User).order_by(User.id).limit(limit).offset((page - 1) * limit))
        return users.all()


async def change_user(user_id: int, changes: Mapping[str, Any]) -> User | None:
    """Write `changes` (role, disabled) and sign the user out, so that none of it waits for a session to end."""
    async with db.writing() as session:
        user = await session.scalar(update(User).where(User.id == user_id).values(**changes).returning(User))
        if user is not None:
            await session.execute(delete(StoredSession).where(StoredSession.user_id == user_id))
        return user
