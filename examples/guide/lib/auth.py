"""Guide: Inline Auth Check. `get_auth_user()` is who sends the current request, or None."""

from __future__ import annotations

import hmac
from typing import TypedDict

from waypost.auth import Auth, Session, TokenSessions

from lib.settings import secret

DEMO_PASSWORD = secret("DEMO_PASSWORD").encode()


class User(TypedDict):
    id: str
    email: str


# Yours are in a database, with passwords hashed by argon2-cffi.
USERS: dict[str, User] = {
    "1": {"id": "1", "email": "ada@example.com"},
    "2": {"id": "2", "email": "bob@example.com"},
}


async def load_user(session: Session) -> User | None:
    """What this raises is a 500: a database that is down must not look like a wrong password."""
    return USERS.get(session.subject)


async def check_password(email: str, password: str) -> User | None:
    user = next((user for user in USERS.values() if user["email"] == email), None)
    # Compared for an unknown address too, so that the time does not tell which addresses exist.
    good = hmac.compare_digest(password.encode("utf-8", "surrogatepass"), DEMO_PASSWORD)
    return user if good else None


auth = Auth(
    TokenSessions({"2026-11": secret("SESSION_SECRET")}, issuer="guide", audience="guide", lifetime=3600),
    load_user=load_user,
)
get_auth_user = auth.get_auth_user
