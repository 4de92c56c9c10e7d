"""Guide: Validate Request Bodies at Runtime. What clients may send; a handler names one of these and gets it checked.

What does not fit is 400, with every issue and no value in it; a body that is not JSON's type is 415.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    return value


Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Title = Annotated[str, Field(max_length=200), AfterValidator(_text)]
Content = Annotated[str, Field(max_length=100_000), AfterValidator(_text)]


class Page(BaseModel):
    """?page=1&limit=10"""

    page: int = Field(1, ge=1, le=1_000_000)
    limit: int = Field(10, ge=1, le=100)


class Body(BaseModel):
    """Strict, so 1 is no text; closed, so {"id": 7} is refused and not ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")


class CreatePost(Body):
    title: Title
    content: Content


class PostChanges(Body):
    """What a client may change; what it does not send stays."""

    title: Title = ""
    content: Content = ""

    def changes(self) -> dict[str, str]:
        return self.model_dump(exclude_unset=True)
