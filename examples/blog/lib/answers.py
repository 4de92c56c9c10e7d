"""What the API answers: every field is named here, so a new column is not public by accident."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Read from objects by their attributes, written with the names of JavaScript."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, from_attributes=True
    )


class PostAnswer(Answer):
    """A post."""

    id: int
    title: str
    content: str
    slug: str
    created_at: datetime
    updated_at: datetime | None


class PostPage(Answer):
    """One page of the list."""

    data: list[PostAnswer]
    page: int
    limit: int


class Message(Answer):
    """That it is done."""

    message: str


class Problem(Answer):
    """What went wrong."""

    error: str


class Health(Answer):
    """How the service is. timestamp: milliseconds since 1970."""

    status: Literal["healthy", "unhealthy"]
    timestamp: int


class Limits(Answer):
    """The most that the API takes: characters of a title and of a text, posts on a page."""

    title: int
    content: int
    posts_per_page: int


class Settings(Answer):
    """What clients ask for once."""

    version: str
    limits: Limits


class Revalidated(Answer):
    """That the cache forgot. now: milliseconds since 1970."""

    revalidated: bool
    now: int
