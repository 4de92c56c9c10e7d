"""Guide: Validate Request Bodies at Runtime. What clients send, checked before anything else sees it.

Each function returns a good value or raises a `Response`, which ends the request with that answer.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from waypost import Request, Response

MAX_ISSUES = 50


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    if "\x00" in value:
        raise ValueError("must not contain a NUL character")
    return value


Title = Annotated[str, Field(max_length=200), AfterValidator(_text)]
Content = Annotated[str, Field(max_length=100_000), AfterValidator(_text)]


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


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as a `model`. What is not JSON at all is answered with 400 by `request.json()` itself."""
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
    """`text` as str() would write the number. `int()` alone takes " 1", "+1", "1_0" and digits of any alphabet."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
        number = int(text)
        if low <= number <= high and str(number) == text:
            return number
    raise Response.json({"error": f"{name} must be an integer from {low} to {high}"}, status=400)
