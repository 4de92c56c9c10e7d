"""Session tokens: HS256, signed with JWT_SECRET."""

from __future__ import annotations

import os
import time
from typing import TypedDict

import jwt


class User(TypedDict):
    id: str
    email: str


def verify_token(token: str) -> User:
    """The user a token speaks for; jwt.PyJWTError when it is expired, forged or signed another way."""
    payload = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"])
    return {"id": str(payload.get("sub")), "email": str(payload.get("email"))}


def sign_token(user: User, seconds: int) -> str:
    payload = {"sub": user["id"], "email": user["email"], "exp": int(time.time()) + seconds}
    return jwt.encode(payload, os.environ["JWT_SECRET"], algorithm="HS256")
