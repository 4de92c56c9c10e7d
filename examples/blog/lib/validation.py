"""What clients send: each type is the annotation of an argument, and Waypost answers 400 to what does not fit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lib.schema import MAX_ID, TITLE_LENGTH

MAX_PAGE = 1_000_000
MAX_LIMIT = 100
MAX_CONTENT_LENGTH = 100_000

# Not blank, as `str.strip()` sees it, and without NUL, which PostgreSQL stores in no text. A pattern and no function,
# so that clients read it in the OpenAPI document.
TEXT = r"^[^\x00]*[^\s\x00\x1c-\x1f][^\x00]*$"

Title = Annotated[str, Field(max_length=TITLE_LENGTH, pattern=TEXT, examples=["Hello, World!"])]
Content = Annotated[str, Field(max_length=MAX_CONTENT_LENGTH, pattern=TEXT, examples=["It is a good day."])]
PostId = Annotated[int, Field(ge=1, le=MAX_ID)]


class PageQuery(BaseModel):
    """Which posts to list."""

    page: Annotated[int, Field(ge=1, le=MAX_PAGE, description="A page past the last one is empty.")] = 1
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Posts on a page.")] = 10


class Body(BaseModel):
    """A JSON object with just these fields: strict, so 1 is no text; closed, so `{"id": 7}` is refused, not ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")


class NewPost(Body):
    """A post to be."""

    title: Title
    content: Content


class PostChanges(Body):
    """What a client may change. The defaults are never written: see `changes`."""

    title: Title = ""
    content: Content = ""

    def changes(self) -> dict[str, str]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


class Revalidation(Body):
    """What to drop from the cache: everything with a tag, or a path; type: for patterns, see revalidate_path()."""

    secret: str
    tag: str | None = None
    path: str | None = None
    type: Literal["page", "layout"] | None = None
