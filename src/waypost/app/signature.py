"""What a handler's signature asks for, by name: read once at start-up, with the annotations resolved.

Signatures are read here and nowhere else, so that a request pays for no inspection.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_origin, get_type_hints
from uuid import UUID

from waypost.app.context import Context
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.routing.pattern import DYNAMIC, Segment

Source: TypeAlias = Literal[
    "request", "context", "params", "query", "body", "form", "headers", "cookies", "path", "added", "unknown"
]

EMPTY: Final = inspect.Parameter.empty
CONTEXT_NAMES: Final = ("context", "ctx")
_NAMED: Final = ("params", "query", "body", "form", "headers", "cookies")
_IN_A_QUERY: Final = (str, int, float, Decimal, UUID, date, time, timedelta, Enum)
_REQUEST_NAMES: Final = ("_", "_request", "req")
#: What annotates arguments that are passed by position, in text that can't be resolved either.
_BY_POSITION: Final = {"Request": Request, "NextRequest": Request, "Context": Context, "Any": Any, "object": object}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. annotation, default: EMPTY where there is none. segment: of the path, for the source "path"."""

    name: str
    source: Source
    annotation: Any
    default: Any
    by_keyword: bool
    segment: Segment | None = None


def own_function(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The function by whose signature `handler` is really called.

    functools.wraps lends a wrapper the signature of what it wraps. The wrapper's own counts: one that takes
    (request, context) and calls `handler()` must be given both. Only a wrapper that passes on whatever it gets
    (`*args`) takes what the wrapped function takes.
    """
    while True:
        wrapped = getattr(handler, "__wrapped__", None)
        if wrapped is None:
            return handler
        try:
            signature = inspect.signature(handler, follow_wrapped=False)
        except (TypeError, ValueError):
            pass
        else:
            if all(item.kind is not item.VAR_POSITIONAL for item in signature.parameters.values()):
                return handler
        handler = wrapped


def line_of(handler: Callable[..., Any]) -> int | None:
    """The line on which a function is defined, if it says so."""
    code = getattr(_function(inspect.unwrap(handler)), "__code__", None)
    return code.co_firstlineno if code is not None else None


def _function(handler: Any) -> Any:
    """The function behind a partial, a method or an object with __call__."""
    while isinstance(handler, partial):
        handler = handler.func
    handler = getattr(handler, "__func__", handler)
    return handler if hasattr(handler, "__globals__") else getattr(type(handler), "__call__", handler)  # noqa: B004


def resolve(handler: Callable[..., Any], name: str, annotation: Any) -> Any:
    """An annotation of `handler` with its names looked up. Raises NameError, SyntaxError, TypeError as Python does."""
    function = _function(handler)
    code = getattr(function, "__code__", None)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False)) if code is not None else {}
    local = {known: cell.cell_contents for known, cell in cells.items() if _filled(cell)}

    class Holder:
        __annotations__ = {name: annotation}  # what get_type_hints reads

    return get_type_hints(Holder, getattr(function, "__globals__", {}), local, include_extras=True)[name]


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # raises where the name is not bound yet
    except ValueError:
        return False
    return True


class SignatureReader:
    """Reads the arguments of the innermost function of a handler.

    segments: of the route's path; None where the route is not known, and names may be of its path. wrapped: wrappers
    stand around the function. added: what they add to the context; None where that is not known, and may be anything.
    errors: what is wrong, for the start-up report.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        verb: str,
        file: Path,
        segments: Sequence[Segment] | None,
        *,
        wrapped: bool,
        added: frozenset[str] | None = None,
    ) -> None:
        self.handler = handler
        self.verb = verb
        self.file = file
        self.wrapped = wrapped
        self.added = added
        self.errors: list[StartupError] = []
        self.known = segments is not None
        self.segments = frozenset(segment.name for segment in segments or () if segment.kind in DYNAMIC)
        self._segments: Mapping[str, Segment] = {
            segment.name.replace("-", "_"): segment for segment in segments or () if segment.kind in DYNAMIC
        }

    def error(self, message: str, remedy: str) -> None:
        """Add a mistake at the function's line."""
        self.errors.append(StartupError(message, file=self.file, line=line_of(self.handler), remedy=remedy))

    def arguments(self) -> list[Argument] | None:
        """The arguments, where any of them is named; None for a function that is called with (request, context)."""
        try:
            parameters = list(inspect.signature(self.handler, follow_wrapped=False).parameters.values())
        except (TypeError, ValueError):
            return None  # a built-in or C callable
        if any(item.kind is item.VAR_POSITIONAL for item in parameters):
            return None
        found = [self._argument(item, place) for place, item in enumerate(parameters) if item.kind != item.VAR_KEYWORD]
        if all(item.source in ("request", "context", "unknown") for item in found):
            if self.added:
                # Wrappers that add to the context look there for every name, whatever its place.
                for argument in found:
                    if argument.source == "unknown" and argument.name not in self.added:
                        self._nothing_provides(argument)
            return None
        placed: list[Argument] = []
        for argument in found:
            item = self._placed(argument, found)
            if item is not None:
                # One that is left to its default moves the places of those after it.
                moved = len(placed) < found.index(argument)
                placed.append(replace(item, by_keyword=True) if moved else item)
        return placed

    def _argument(self, parameter: inspect.Parameter, place: int) -> Argument:
        name, annotation = parameter.name, parameter.annotation
        by_keyword = parameter.kind is parameter.KEYWORD_ONLY

        def made(source: Source, segment: Segment | None = None, *, typed: bool = False) -> Argument:
            hint = self._resolved(name, annotation) if typed else EMPTY
            return Argument(name, source, hint, parameter.default, by_keyword, segment)

        if name == "request":
            return made("request")
        if name in CONTEXT_NAMES:
            return made("context")
        if name in self._segments:
            return made("path", self._segments[name], typed=True)
        if name in _NAMED:
            return made(name, typed=True)  # type: ignore[arg-type]  # one of the sources
        if annotation is EMPTY:
            return made("request" if place == 0 and name in _REQUEST_NAMES else "unknown")
        told = annotation.strip("'\"").partition("[")[0].rpartition(".")[2] if isinstance(annotation, str) else ""
        if told in _BY_POSITION:
            hint: Any = _BY_POSITION[told]
        else:
            try:
                hint = resolve(self.handler, name, annotation)
            except (NameError, SyntaxError, TypeError, AttributeError):
                # Taken from the context as it is: that needs no type, and may be imported for type checkers alone.
                return Argument(name, "added", EMPTY, parameter.default, by_keyword)
        owner = get_origin(hint) or hint
        if isinstance(owner, type) and issubclass(owner, Request):
            return made("request")
        if isinstance(owner, type) and issubclass(owner, Context):
            return made("context")
        if hint is Any or hint is object or hint is EMPTY:
            return made("unknown")
        return Argument(name, "added", hint, parameter.default, by_keyword)

    def _resolved(self, name: str, annotation: Any) -> Any:
        if annotation is EMPTY:
            return EMPTY
        try:
            return resolve(self.handler, name, annotation)
        except NameError as error:
            missing = getattr(error, "name", None) or str(error)
            self.error(
                f"{self.verb}: the annotation of its argument {name!r} can't be resolved: {missing} is not defined",
                f"Import {missing} where {self.verb} stands, not only under `if TYPE_CHECKING`.",
            )
        except (SyntaxError, TypeError, AttributeError) as error:
            self.error(f"{self.verb}: the annotation of its argument {name!r} is none: {error}", "Write a type.")
        return EMPTY

    def _placed(self, argument: Argument, all_of_them: list[Argument]) -> Argument | None:
        """An argument with the source of one that only its place or a wrapper can explain; None for none."""
        missing = self.known and self.added is not None and argument.name not in self.added
        if argument.source == "added" and missing:
            self._nothing_provides(argument)
            return None
        if argument.source != "unknown":
            return argument
        first = next(item for item in all_of_them if item.source == "unknown")
        source: Source | None = None
        if self.wrapped or not self.known:
            source = None if missing else "added"
        elif argument is first and all_of_them[0] is argument and not any(i.source == "request" for i in all_of_them):
            source = "request"
        if source is None:
            self._nothing_provides(argument)
            return None
        return Argument(argument.name, source, EMPTY, argument.default, argument.by_keyword)

    def _nothing_provides(self, argument: Argument) -> None:
        if not self.known:
            return
        if argument.default is not EMPTY:
            if not argument.name.startswith("_") and _is_for_a_query(argument.annotation):
                self.error(
                    f"{self.verb}: nothing provides its argument {argument.name!r}, which has its default at every "
                    "request",
                    "Fields of the query belong into a model: `query: Query`. Begin the name with `_` where the "
                    "default is the function's own.",
                )
            return
        names = [f"`{name}`" for name in self._segments]
        path = f", or {' or '.join(names)} of the path" if names else "; the path has no parameters"
        added = "".join(f", {name}" for name in sorted(self.added or ()))
        self.error(
            f"{self.verb} can't be called: nothing provides its argument {argument.name!r}",
            f"Name it request, context, params, query, body, form, headers{added} or cookies{path}. "
            "Fields of the query belong into a model: `query: Query`.",
        )


def _is_for_a_query(annotation: Any) -> bool:
    """Whether a value of it could stand in a query: what other frameworks read from there by name."""
    from waypost.validation.annotations import bare, is_many, item_of, members, without_none  # where something is wrong

    kinds = [item_of(annotation)] if is_many(annotation) else without_none(annotation)
    found = [bare(member) for kind in kinds for member in members(kind)]
    return bool(found) and all(
        get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, _IN_A_QUERY)) for kind in found
    )


def own_return(handler: Callable[..., Any]) -> Any:
    """The return annotation as it is written; EMPTY where there is none."""
    try:
        return inspect.signature(handler, follow_wrapped=False).return_annotation
    except (TypeError, ValueError):
        return EMPTY
