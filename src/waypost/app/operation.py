"""Operation: what one verb of one route takes and gives, as its handler's signature says it.

Made at start-up beside the endpoint; a request never looks at it. Listings and API descriptions are made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from waypost.validation import Schema

Place: TypeAlias = Literal["path", "query", "header", "cookie"]

JSON: Final = ("application/json",)
FORM: Final = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value from the URL, a header or a cookie.

    name: on the wire; of a path parameter, as the folder spells it. schema: None where the handler takes the text as
    it is. required: False for what has a default or may be None. default: JSON's value for it, None where there is
    none. catch_all: a path parameter that holds several segments.
    """

    name: str
    place: Place
    schema: Schema | None
    required: bool = True
    default: Any = None
    description: str = ""
    catch_all: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body. schema: None where the handler takes whatever comes. media_types: the preferred one first."""

    schema: Schema | None
    media_types: tuple[str, ...] = JSON
    required: bool = True


@dataclass(frozen=True, slots=True)
class ResponseSchema:
    """What is sent with one status. schema: None where it is not declared."""

    schema: Schema | None
    media_type: str = "application/json"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """One way to say who asks. name: of the scheme; scheme: OpenAPI's Security Scheme Object for it."""

    name: str
    scheme: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Additions:
    """What a wrapper around a handler says of the operation.

    security: ways of which any one will do. roles: of which the user needs one. responses: statuses that the wrapper
    itself answers, with what they mean. names: what it adds to the context; None where that is not known.
    """

    security: tuple[Security, ...] = ()
    roles: frozenset[str] = frozenset()
    responses: Mapping[int, str] = field(default_factory=dict)
    names: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb of one route.

    pattern: "/posts/[id]". parameters: in the order of the signature; the path's that no argument takes come last.
    responses: status → what is sent; those that are declared, and no other. summary: the first line of the docstring,
    description: the rest. handler: the innermost function. file, line: where it stands.
    """

    pattern: str
    verb: str
    handler: Callable[..., Any]
    file: Path
    line: int | None
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: Mapping[int, ResponseSchema] = field(default_factory=dict)
    summary: str = ""
    description: str = ""
    additions: tuple[Additions, ...] = ()

    @property
    def security(self) -> tuple[Security, ...]:
        """The ways to sign in that its wrappers accept; empty where anybody may ask."""
        return tuple(way for added in self.additions for way in added.security)
