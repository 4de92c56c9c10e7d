"""Who is asking: the user in the session cookie."""

from __future__ import annotations

import jwt
from waypost import cookies

from lib.jwt_token import User, verify_token


async def get_auth_user() -> User | None:
    store = await cookies()
    token = store.get("session-token")
    if token is None or not token.value:
        return None
    try:
        return verify_token(token.value)
    except jwt.PyJWTError:
        return None
