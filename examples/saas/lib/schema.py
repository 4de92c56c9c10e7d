"""The tables. Times are UTC, ids are PostgreSQL integers, and every length has a name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, ForeignKey, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

MAX_ID = 2**31 - 1
MAX_AMOUNT = 10**12  # of credits in one entry: sums stay far below what the columns hold

EMAIL_LENGTH = 254
NAME_LENGTH = 100
FILE_NAME_LENGTH = 255
EVENT_ID_LENGTH = 255


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, always with its time zone. SQLite stores none, so it gets UTC back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)  # in lower case
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20), default="user")  # "user" or "admin"
    disabled: Mapped[bool] = mapped_column(default=False)
    # The sum of the user's entries, so that spending is one conditional UPDATE.
    credits: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    __table_args__ = {"sqlite_autoincrement": True}  # the id of someone who left is nobody else's

    def to_json(self) -> dict[str, Any]:
        """What the user may see. Each field is named, so that a new column is not public by accident."""
        return {
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "role": self.role,
            "credits": self.credits,
            "createdAt": self.created_at,
        }


class StoredSession(Base):
    """digest: of the number that the client has, which is stored nowhere."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class StoredFile(Base):
    """id: random, in addresses, and the name on the disk. name: what the client calls it, for display only."""

    __tablename__ = "files"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "type": self.type, "size": self.size, "createdAt": self.created_at}


class Event(Base):
    """A webhook that was acknowledged. The primary key is what makes it once and only once.

    outcome: "applied", "ignored" (a type that nobody asked for) or "set aside" (signed, but not what it should be).
    """

    __tablename__ = "events"

    id: Mapped[str] = mapped_column(String(EVENT_ID_LENGTH), primary_key=True)
    type: Mapped[str] = mapped_column(String(100))
    outcome: Mapped[str] = mapped_column(String(20))
    payload: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Entry(Base):
    """One line of the ledger; never changed, never deleted."""

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(50))
    event_id: Mapped[str | None] = mapped_column(ForeignKey("events.id"), unique=True, default=None)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "userId": self.user_id,
            "amount": self.amount,
            "reason": self.reason,
            "eventId": self.event_id,
            "createdAt": self.created_at,
        }
