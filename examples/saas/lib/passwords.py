"""Passwords: hashed with Argon2id, in threads of their own.

Two at a time in each worker: a hash takes 64 MiB and a core for a moment, and a flood of sign-ins must not take all.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

T = TypeVar("T")

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(2, thread_name_prefix="password")
# Nobody's: compared with where there is no user, so that the answer takes as long as for one who is there.
_nobodys = _hasher.hash("a password that nobody has")


async def hash_password(password: str) -> str:
    return await _run(lambda: _hasher.hash(_normal(password)))


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password; None for a user who is not there, which takes as long."""
    return await _run(lambda: _matches(_normal(password), password_hash or _nobodys)) and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than are used now."""
    return _hasher.check_needs_rehash(password_hash)


def _matches(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerifyMismatchError:
        return False


def _normal(password: str) -> str:
    """One spelling for letters that keyboards make in two ways (NIST SP 800-63B)."""
    return unicodedata.normalize("NFC", password)


async def _run(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
