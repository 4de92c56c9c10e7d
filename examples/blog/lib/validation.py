"""What clients send, checked before anything else sees it.

Each function returns a good value or raises a `Response`, which ends the request with that answer.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from waypost import Request, Response

from lib.schema import MAX_ID, TITLE_LENGTH

MAX_PAGE = 1_000_000
MAX_LIMIT = 100
MAX_CONTENT_LENGTH = 100_000
MAX_ISSUES = 50


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    if "\x00" in value:  # PostgreSQL stores no NUL in text
        raise ValueError("must not contain a NUL character")
    return value


Title = Annotated[str, Field(max_length=TITLE_LENGTH), AfterValidator(_text)]
Content = Annotated[str, Field(max_length=MAX_CONTENT_LENGTH), AfterValidator(_text)]


class Body(BaseModel):
    """A JSON object with just these fields: strict, so 1 is no text; closed, so `{"id": 7}` is refused, not ignored."""

    model_config = ConfigDict(strict=True, extra="forbid")


class NewPost(Body):
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


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as a `model`. JSON that can't be parsed is answered with 400 by `request.json()` itself."""
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        # A page of another site can make a browser send text/plain or a form here without asking; JSON it can't.
        raise Response.json({"error": "The body must be application/json"}, status=415)
    try:
        return model.model_validate(await request.json())
    except ValidationError as error:
        issues = [
            {"path": issue["loc"], "message": issue["msg"], "code": issue["type"]}
            for issue in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_ISSUES]
        ]
        raise Response.json({"error": "Validation failed", "issues": issues}, status=400) from None


def integer(text: str, name: str, low: int, high: int) -> int:
    """`text` as an integer from `low` to `high`, written as `str()` would write it.

    `int()` alone is too kind for input: it takes " 1", "+1", "1_0" and the digits of every alphabet.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
        number = int(text)
        if low <= number <= high and str(number) == text:
            return number
    raise Response.json({"error": f"{name} must be an integer from {low} to {high}"}, status=400)


def query_integer(request: Request, name: str, default: int, high: int) -> int:
    """`?name=` as an integer from 1 to `high`; `default` when the query does not have it."""
    text = request.next_url.search_params.get(name)
    return default if text is None else integer(text, name, 1, high)


def post_id(text: str) -> int:
    return integer(text, "id", 1, MAX_ID)
