"""The tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    return datetime.now(UTC)


def moment(value: datetime | None) -> datetime | None:
    return value and value.replace(tzinfo=UTC)  # SQLite gives it back without its time zone


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    content: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    def to_json(self) -> dict[str, Any]:
        """What everyone may see."""
        return {
            "id": self.id,
            "title": self.title,
            "content": self.content,
            "slug": self.slug,
            "createdAt": moment(self.created_at),
            "updatedAt": moment(self.updated_at),
        }


class Export(Base):
    __tablename__ = "exports"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(64))
    posts: Mapped[int | None] = mapped_column(default=None)  # how many it holds; None until it is done
