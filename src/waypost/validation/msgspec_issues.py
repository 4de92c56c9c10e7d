"""Everything that is wrong with a value, where msgspec itself stops at the first mistake.

Runs once msgspec has refused a value: it is taken apart along the schema, and the parts are asked for one by one. What
msgspec says of a part is put in words of ours, because its own may repeat what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from waypost.errors import MAX_ISSUES, Issue
from waypost.validation.annotations import bare, is_many, item_of, object_fields, without_none
from waypost.validation.msgspec_finish import not_finite

Path = tuple[str | int, ...]

_PLACE: Final = re.compile(r" - at `(?:key in )?\$((?:\.[^.\[`]*|\[\d+\]|\[\.\.\.\])*)`$")
_STEP: Final = re.compile(r"\.([^.\[`]*)|\[(\d+)\]")
_CODES: Final = (
    (re.compile(r"Expected `\w+` (?:of length|matching)"), "length"),
    (re.compile(r"Expected `\w+` (?:[<>]|that's a multiple)"), "range"),
    (re.compile(r"Expected `.*`, got `"), "type"),
    (re.compile(r"Invalid (?:UUID|RFC3339|ISO8601|decimal|base64|duration|epoch)"), "format"),
)
_DEEPEST: Final = 8  # levels that are taken apart; below, msgspec's first mistake stands for all
_NOT_FINITE: Final = Issue((), "Expected a finite number", "finite")
_GOT_TEXT: Final = ", got str"
_TOGETHER: Final = 256
_LONGEST_NAME: Final = 100  # characters of a client's own key in a path


def issues_of(value: Any, annotation: Any, *, strings: bool = False, decimals: bool = False) -> list[Issue]:
    """What is wrong with a value of built-in types; empty when nothing is. At most MAX_ISSUES.

    strings: it was text, so that a message need not say that it was. decimals: a Decimal stands in the annotation.
    """
    found: list[Issue] = []
    try:
        for issue in _Search(strings, decimals).issues(value, annotation, ()):
            found.append(issue)
            if len(found) == MAX_ISSUES:
                break
    except RecursionError:
        found = found or [Issue((), "The value is nested too deeply", "depth")]
    return found


class _Search:
    """strings, decimals: as in issues_of."""

    __slots__ = ("_decimals", "_strings")

    def __init__(self, strings: bool, decimals: bool) -> None:
        self._strings = strings
        self._decimals = decimals

    def issues(self, value: Any, annotation: Any, path: Path) -> Iterator[Issue]:
        clean = True
        for issue in self._issues_of_parts(value, annotation, path):
            clean = False
            yield issue
        if not clean:
            return
        # The whole: what no part shows, as a length, a field too many, a check in __post_init__.
        try:
            made = msgspec.convert(value, annotation)
        except (msgspec.ValidationError, ValueError) as error:
            issue = _issue(str(error), annotation, path)
            yield self._of_text(issue, annotation) if self._strings else issue
        except TypeError:
            yield _NOT_FINITE._replace(path=path)  # "sNaN" has no hash, and stands in a set or as a key
        else:
            for place in self._not_finite(made):
                yield _NOT_FINITE._replace(path=(*path, *place))

    def _of_text(self, issue: Issue, annotation: Any) -> Issue:
        """What is wrong with text: "got str" says nothing, and `3` may be none of the values of an enum of numbers."""
        if issue.code == "type" and issue.message.endswith(_GOT_TEXT) and _is_choice(annotation):
            return issue._replace(message=_expected(annotation), code="enum")
        return issue._replace(message=issue.message.removesuffix(_GOT_TEXT))

    def _not_finite(self, made: Any) -> Iterator[Path]:
        return not_finite(made) if self._decimals else iter(())

    def _issues_of_parts(self, value: Any, annotation: Any, path: Path) -> Iterator[Issue]:
        if len(path) >= _DEEPEST:
            return
        kinds = without_none(annotation)
        kind = bare(kinds[0]) if len(kinds) == 1 else None
        if value.__class__ is dict and (fields := object_fields(annotation)) is not None:
            for name, field in fields.items():
                if name in value:
                    yield from self.issues(value[name], field.annotation, (*path, name))
                elif field.required:
                    yield Issue((*path, name), "Field required", "missing")
        elif value.__class__ is dict and get_origin(kind) is dict:
            steps = [str(name)[:_LONGEST_NAME] for name in value]
            yield from self._issues_of_items(steps, list(value.values()), get_args(kind)[1], path)
        elif value.__class__ is list and kind is not None and is_many(annotation):
            yield from self._issues_of_items(range(len(value)), value, item_of(annotation), path)

    def _issues_of_items(
        self, steps: Sequence[str | int], items: list[Any], annotation: Any, path: Path
    ) -> Iterator[Issue]:
        # Many at a time: a body of a MiB may have half a million of them, of which one is wrong.
        for start in range(0, len(items), _TOGETHER):
            some = items[start : start + _TOGETHER]
            try:
                if len(some) > 1:
                    made = msgspec.convert(some, list[annotation])
                    if next(self._not_finite(made), None) is None:
                        continue
            except (msgspec.ValidationError, ValueError, TypeError):
                pass
            for step, item in zip(steps[start : start + _TOGETHER], some, strict=True):
                yield from self.issues(item, annotation, (*path, step))


def _issue(message: str, annotation: Any, path: Path) -> Issue:
    place = _PLACE.search(message)
    if place is not None:
        message = message[: place.start()]
        steps = _STEP.findall(place[1].partition("[...]")[0])  # below a key that msgspec does not name
        path = (*path, *(int(index) if index else name for name, index in steps))
    if message.startswith("Object missing required field `"):
        return Issue((*path, message.split("`")[1]), "Field required", "missing")
    if message.startswith("Object contains unknown field `"):
        name = message.removeprefix("Object contains unknown field `").removesuffix("`")
        return Issue((*path, name[:_LONGEST_NAME]), "Unknown field", "unknown")
    if message.startswith(("Invalid enum value", "Invalid value")):
        return Issue(path, _expected(annotation), "enum")
    for pattern, code in _CODES:
        if pattern.match(message):
            return Issue(path, message.replace("`", ""), "pattern" if "matching" in message else code)
    return Issue(path, message, "value")


def _is_choice(annotation: Any) -> bool:
    """Whether nothing but the values of enums and Literals fits."""
    kinds = [bare(member) for member in without_none(annotation)]
    return all(get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)) for kind in kinds)


def _expected(annotation: Any) -> str:
    choices = _choices(annotation)
    return f"Expected one of {', '.join(choices)}" if choices else "Not one of the values"


def _choices(annotation: Any) -> list[str]:
    found: list[str] = []
    for member in without_none(annotation):
        kind = bare(member)
        if get_origin(kind) is Literal:
            found += [repr(value) for value in get_args(kind)]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found += [repr(item.value) for item in kind]
    return found
