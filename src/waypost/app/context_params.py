"""`Context[PostParams]`: whether what a handler says of its path's parameters is what the folders say.

A type checker believes the annotation, and the folders are what it can't see: the start compares the two.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from waypost.app.context import Context, Params
from waypost.errors import StartupError
from waypost.routing.pattern import CATCH_ALL, DYNAMIC, Segment
from waypost.validation.annotations import bare

_REMEDY: Final = "A number or another type is an argument of its own, `id: int`, which is checked for each request."


def check_context(handler: Callable[..., Any], verb: str, file: Path, segments: Sequence[Segment]) -> None:
    """Raise StartupError where a TypedDict in Context[...] has a name or a type that the path does not give.

    It may name fewer than the path has. What can't be looked at, as a type that is imported for type checkers only,
    is passed over.
    """
    function = _innermost(handler)
    code = getattr(function, "__code__", None)
    given = {segment.name: segment for segment in segments if segment.kind in DYNAMIC}
    for declared in _declared(function):
        problem = _problem(declared, given)
        if problem is not None:
            message, remedy = problem
            raise StartupError(
                f"the context of {verb}: {message}",
                file=file,
                line=None if code is None else code.co_firstlineno,
                remedy=remedy,
            )


def _innermost(handler: Callable[..., Any]) -> Any:
    """The function inside of wrappers that say what they wrap."""
    function: Any = handler
    while True:
        inner = function.func if isinstance(function, partial) else getattr(function, "__wrapped__", None)
        if inner is None:
            kind = type(function)
            return function if inspect.isroutine(function) else getattr(kind, "__call__", function)  # noqa: B004  # its code
        function = inner


def _declared(function: Any) -> Iterator[Any]:
    """What the Context[...] among the annotations hold."""
    names = getattr(function, "__globals__", {})
    for name, annotation in getattr(function, "__annotations__", {}).items():
        try:
            # One by one: a name that only type checkers know must not hide the others.
            hint = typing.get_type_hints(SimpleNamespace(__annotations__={name: annotation}), names)[name]
        except Exception:  # an annotation may be any expression, and raise anything
            continue
        yield from _params_of(hint)


def _params_of(hint: Any) -> Iterator[Any]:
    origin = typing.get_origin(hint)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Context):
        yield from typing.get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Context):
        for base in getattr(hint, "__orig_bases__", ()):
            yield from _params_of(base)


def _problem(declared: Any, given: dict[str, Segment]) -> tuple[str, str] | None:
    """What is wrong, and what to do."""
    if declared is Params or isinstance(declared, typing.TypeVar):
        return None
    if not typing.is_typeddict(declared):
        name = getattr(declared, "__name__", repr(declared))
        return f"Context[{name}] needs a TypedDict", "Write `class PostParams(TypedDict):` with a line for each [name]."
    for name, hint in typing.get_type_hints(declared, include_extras=True).items():
        where = f"{declared.__name__}.{name}"
        segment = given.get(name)
        if segment is None:
            known = ", ".join(given) or "none"
            return f"{where} is no parameter of the path (it has: {known})", f"Rename it, or the folder to [{name}]."
        needed = _NEEDED[segment.kind]
        if segment.kind == "optional-catch-all" and not _may_be_absent(declared, name, hint):
            return f"{where} is absent when {segment.folder} matches nothing", f"Write `{name}: {needed}`."
        if not _fits(hint, segment.kind in CATCH_ALL):
            return f"{where} is the text that was sent", f"Write `{name}: {needed}`. {_REMEDY}"
    return None


_NEEDED: Final = {"param": "str", "catch-all": "list[str]", "optional-catch-all": "NotRequired[list[str]]"}


def _may_be_absent(declared: Any, name: str, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return origin is typing.NotRequired or (origin is not typing.Required and name in declared.__optional_keys__)


def _fits(hint: Any, several: bool) -> bool:
    inner = bare(hint)
    if inner in (Any, object):
        return True
    if several:
        return typing.get_origin(inner) in (list, Sequence) and _fits(typing.get_args(inner)[0], False)
    return inner is str
