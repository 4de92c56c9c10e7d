"""What pydantic found wrong → issues, without what was sent: its paths and some of its messages repeat that."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from waypost.errors import MAX_ISSUES, Issue

if TYPE_CHECKING:
    from pydantic import ValidationError

# Messages that go on, after this mark, with a piece of what was sent.
_CUT: Final = {
    "uuid_parsing": ",",
    "url_parsing": ",",
    "url_syntax_violation": ",",
    "bytes_invalid_encoding": ":",
    "base64_decode": ":",
    "import_error": ":",
    "ip_any_address": ":",
}
_PLAIN: Final = (str, int, float, type(None))
_EMAIL: Final = "value is not a valid email address"
_MOST_FIELDS: Final = 500
_LONGEST_NAME: Final = 100  # characters of a client's own key in a path


def issues_of(failure: ValidationError, value: Any) -> list[Issue]:
    """The issues of a failed validation, MAX_ISSUES at most. value: what was validated, to tell names from notes."""
    return [
        Issue(_path(error["loc"], value, error["type"] == "missing"), _message(error), error["type"])
        for error in failure.errors(include_url=False, include_input=False)[:MAX_ISSUES]
    ]


def thinned(value: Any) -> Any:
    """The value with the beginning of each list, and of dicts that are larger than any model."""
    if isinstance(value, list):
        return [thinned(item) for item in value[:MAX_ISSUES]]
    if isinstance(value, dict):
        return {name: thinned(item) for name, item in islice(value.items(), _MOST_FIELDS)}
    return value


def _message(error: Any) -> str:
    message: str = error["msg"]
    kind = error["type"]
    if kind == "union_tag_invalid":
        return f"Input should have one of the tags {error['ctx']['expected_tags']} in {error['ctx']['discriminator']}"
    if kind == "value_error" and message.startswith(_EMAIL):
        return _EMAIL.capitalize()
    mark = _CUT.get(kind)
    return message if mark is None else message.partition(mark)[0]


def _path(place: tuple[str | int, ...], value: Any, missing: bool) -> tuple[str | int, ...]:
    """The place as a path through what was sent. pydantic adds which member of a union it tried, and what it wraps."""
    path: list[str | int] = []
    for index, step in enumerate(place):
        below = _below(value, step)
        if below is not _NOTHING:
            value = below
        elif not (missing and index == len(place) - 1):
            continue
        path.append(step[:_LONGEST_NAME] if isinstance(step, str) else step)
    return tuple(path)


_NOTHING: Final = object()


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step, _NOTHING)
    if isinstance(value, list | tuple):
        return value[step] if isinstance(step, int) and step < len(value) else _NOTHING
    if isinstance(step, int) or isinstance(value, _PLAIN):
        return _NOTHING
    return getattr(value, step, _NOTHING)  # an object that is read by its attributes
