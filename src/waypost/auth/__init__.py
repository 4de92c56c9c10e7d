"""Authentication: who is asking, by session cookie or bearer token.

from waypost.auth import Auth, StoredSessions

auth = Auth(StoredSessions("data/sessions.db"))
get_auth_user, with_auth = auth.get_auth_user, auth.with_auth
"""

from __future__ import annotations

from waypost.auth.auth import Auth
from waypost.auth.guard import Guard
from waypost.auth.jwks import JWKS, KeysUnavailable
from waypost.auth.origin import CrossSiteRequest
from waypost.auth.session import Session, Sessions
from waypost.auth.stored_sessions import StoredSessions
from waypost.auth.token_sessions import TokenSessions

__all__ = [
    "JWKS",
    "Auth",
    "CrossSiteRequest",
    "Guard",
    "KeysUnavailable",
    "Session",
    "Sessions",
    "StoredSessions",
    "TokenSessions",
]
