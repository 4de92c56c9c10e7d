"""Who is asking: sessions in the database, so that they end where users change, in the same transaction."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from waypost import Request
from waypost.auth import Auth, Session
from waypost.errors import HTTPError
from waypost.ratelimit import client_key

from lib.db import db
from lib.schema import StoredSession, User, now
from lib.users import get_user

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits


class DatabaseSessions:
    """See waypost.auth.Sessions. The client has a random number; stored is its digest, which lets nobody in."""

    lifetime = 7 * 86_400.0

    async def create(self, subject: str, claims: Mapping[str, Any]) -> str:
        """claims: what `proof` gives."""
        token = secrets.token_urlsafe(32)
        expires = now() + timedelta(seconds=self.lifetime)
        same = (User.id == int(subject), User.password_hash == claims["password_hash"], User.disabled.is_(False))
        async with db.writing() as session:
            # Looking at a password takes a while. In the meantime it may have been changed, which ends all sessions:
            # one that begins after that would be there for whoever knew the old one.
            if await session.scalar(select(User.id).where(*same).with_for_update()) is None:
                raise HTTPError("Wrong email or password", status=401)
            await session.execute(delete(StoredSession).where(StoredSession.expires_at < now()))
            session.add(StoredSession(digest=_digest(token), user_id=int(subject), expires_at=expires))
        return token

    async def read(self, text: str) -> Session | None:
        if TOKEN.fullmatch(text) is None:
            return None
        async with db.reading() as session:
            found = await session.scalar(
                select(StoredSession).where(StoredSession.digest == _digest(text), StoredSession.expires_at > now())
            )
        return None if found is None else Session(str(found.user_id), {}, found.expires_at.timestamp())

    async def revoke(self, text: str) -> None:
        async with db.writing() as session:
            await session.execute(delete(StoredSession).where(StoredSession.digest == _digest(text)))


def proof(user: User) -> dict[str, str]:
    """The claims of a session: which password was right."""
    return {"password_hash": user.password_hash}


async def load_user(session: Session) -> User | None:
    user = await get_user(int(session.subject))
    return None if user is None or user.disabled else user


auth = Auth(
    DatabaseSessions(),
    load_user=load_user,
    trusted_origins=[origin for origin in os.environ.get("TRUSTED_ORIGINS", "").split(",") if origin],
)
get_auth_user, with_auth = auth.get_auth_user, auth.with_auth


async def user_or_client(request: Request) -> str:
    """Whom a rate limit counts: the user, wherever from; everybody else by network."""
    user: User | None = await get_auth_user()
    return client_key(request) if user is None else f"user:{user.id}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
