"""What clients send, checked before anything else sees it.

Each function returns a good value or raises a `Response`, which ends the request with that answer.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from waypost import Request, Response

from lib.schema import EMAIL_LENGTH, MAX_ID, NAME_LENGTH

MAX_PAGE = 1_000_000
MAX_LIMIT = 100
MAX_ISSUES = 50
MAX_PROMPT = 4_000
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

# ASCII only: letters that look alike, or are alike in lower case, have opened other people's accounts.
ADDRESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,63}")


def _address(value: str) -> str:
    value = value.strip().lower() if value.isascii() else ""
    if ADDRESS.fullmatch(value) is None:
        raise ValueError("must be an email address")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    if "\x00" in value:  # PostgreSQL stores no NUL in text
        raise ValueError("must not contain a NUL character")
    return value


Email = Annotated[str, Field(max_length=EMAIL_LENGTH), AfterValidator(_address)]
Name = Annotated[str, Field(max_length=NAME_LENGTH), AfterValidator(_text)]
NewPassword = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


class Body(BaseModel):
    """A JSON object with just these fields: strict, so 1 is no text; closed, so `{"role": "admin"}` is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class SignUp(Body):
    email: Email
    name: Name
    password: NewPassword


class SignIn(Body):
    email: Email
    password: Password


class ProfileChanges(Body):
    name: Name


class PasswordChange(Body):
    current: Password
    new: NewPassword


class Prompt(Body):
    prompt: Annotated[str, Field(max_length=MAX_PROMPT), AfterValidator(_text)]


class UserChanges(Body):
    """What an administrator may change. The defaults are never written: see `changes`."""

    role: Literal["user", "admin"] = "user"
    disabled: bool = False

    def changes(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: Request, model: type[Model]) -> Model:
    """The JSON body as a `model`. JSON that can't be parsed is answered with 400 by `request.json()` itself."""
    media_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
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
    """`text` as an integer from `low` to `high`, written as `str()` would write it."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(high)):
        number = int(text)
        if low <= number <= high and str(number) == text:
            return number
    raise Response.json({"error": f"{name} must be an integer from {low} to {high}"}, status=400)


def page_and_limit(request: Request) -> tuple[int, int]:
    """`?page=1&limit=20`."""
    query = request.next_url.search_params
    page, limit = query.get("page"), query.get("limit")
    return (
        1 if page is None else integer(page, "page", 1, MAX_PAGE),
        20 if limit is None else integer(limit, "limit", 1, MAX_LIMIT),
    )


def user_id(text: str) -> int:
    return integer(text, "id", 1, MAX_ID)
