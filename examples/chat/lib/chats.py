"""Chats and whose they are, in a SQLite file.

A visitor is a random cookie. Where people sign in, take the user's id in its place.
"""

import asyncio
import json
import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from waypost import cookies, forbidden, headers, not_found
from waypost.ai import UIMessage

T = TypeVar("T")

COOKIE = "__Host-visitor"  # no other host, and nothing without TLS but localhost, can set it
LONGEST_ID = 100  # characters

_SCHEMA = "CREATE TABLE IF NOT EXISTS chats (id TEXT PRIMARY KEY, owner TEXT NOT NULL, messages TEXT NOT NULL)"


async def own(chat_id: object) -> tuple[str, str]:
    """A chat that is the caller's, or new: its id and its owner. 404 for anybody else's, as if it did not exist.

    403 for the page of another site, or of another host of this one: the browser sends the cookie for it, too.
    """
    if headers().get("sec-fetch-site", "none") not in ("same-origin", "none"):
        forbidden()
    if not isinstance(chat_id, str) or not 1 <= len(chat_id) <= LONGEST_ID or not chat_id.isprintable():
        not_found()
    visitor = _visitor()
    row = await _run(lambda db: db.execute("SELECT owner FROM chats WHERE id = ?", (chat_id,)).fetchone())
    if row is not None and not secrets.compare_digest(row[0].encode(), visitor.encode()):
        not_found()
    return chat_id, visitor


async def load(chat_id: str) -> list[UIMessage]:
    """The messages of a chat, none of a new one."""
    row = await _run(lambda db: db.execute("SELECT messages FROM chats WHERE id = ?", (chat_id,)).fetchone())
    messages: list[UIMessage] = [] if row is None else json.loads(row[0])
    return messages


async def save(chat_id: str, owner: str, messages: list[UIMessage]) -> None:
    """Keep the messages, if the chat is the owner's or new."""
    text = json.dumps(messages)
    statement = (
        "INSERT INTO chats VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET messages = excluded.messages"
        " WHERE owner = excluded.owner"
    )
    await _run(lambda db: db.execute(statement, (chat_id, owner, text)))


def message_id() -> str:
    """An id for an answer."""
    return f"msg-{secrets.token_hex(8)}"


def _visitor() -> str:
    """Who asks; a new visitor gets a cookie."""
    known = cookies().get(COOKIE)
    if known is not None and 20 <= len(known.value) <= 100:
        return known.value
    visitor = secrets.token_urlsafe(24)
    cookies().set(COOKIE, visitor, http_only=True, secure=True, same_site="lax", max_age=31_536_000)
    return visitor


async def _run(work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` in a thread, in a transaction."""

    def transaction() -> T:
        with closing(sqlite3.connect(os.environ.get("CHAT_DB", "chat.db"), timeout=10)) as db, db:
            db.execute(_SCHEMA)
            return work(db)

    return await asyncio.to_thread(transaction)
