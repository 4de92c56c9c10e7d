"""What clients may send. A handler names one of these as an argument, and runs only for what fits.

What does not fit is 400, with every issue and no value in it; a body that is not JSON's type is 415.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lib.schema import EMAIL_LENGTH, MAX_ID, NAME_LENGTH

MAX_PAGE = 1_000_000
MAX_LIMIT = 100
MAX_PROMPT = 4_000
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256

# The document of the API shows both patterns; what does not fit is told in words.
# ASCII only: letters that look alike, or are alike in lower case, have opened other people's accounts.
ADDRESS = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,63}$"
TEXT = r"^[^\x00]*[^\x00\s][^\x00]*$"  # not blank; PostgreSQL stores no NUL in text


def _address(value: str) -> str:
    value = value.strip()
    if re.search(ADDRESS, value) is None:
        raise ValueError("must be an email address")
    return value.lower()


def _text(value: str) -> str:
    if re.search(TEXT, value) is None:
        raise ValueError("must not be blank or contain a NUL character")
    return value


def _shown(pattern: str, longest: int) -> Any:
    return Field(max_length=longest, json_schema_extra={"pattern": pattern})


Email = Annotated[str, _shown(ADDRESS, EMAIL_LENGTH), AfterValidator(_address)]
Name = Annotated[str, _shown(TEXT, NAME_LENGTH), AfterValidator(_text)]
NewPassword = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]


UserId = Annotated[int, Field(ge=1, le=MAX_ID)]


class Page(BaseModel):
    """?page=1&limit=20"""

    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 20


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
    prompt: Annotated[str, _shown(TEXT, MAX_PROMPT), AfterValidator(_text)]


class UserChanges(Body):
    """What an administrator may change. The defaults are never written: see `changes`."""

    role: Literal["user", "admin"] = "user"
    disabled: bool = False

    def changes(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)
