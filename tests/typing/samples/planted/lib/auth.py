from __future__ import annotations

from typing import TypedDict

from waypost import Context
from waypost.auth import Auth, Session, StoredSessions


class User(TypedDict):
    id: str
    name: str


class SignedIn(Context):
    """What with_auth adds, for type checkers."""

    user: User


async def load_user(session: Session) -> User | None:
    return {"id": session.subject, "name": "Ada"}


auth = Auth(StoredSessions(None), load_user=load_user)
with_auth = auth.with_auth
