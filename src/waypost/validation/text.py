"""Text as it stands in URLs, headers and forms → what a schema takes in its place.

Stricter than the libraries: a number is ASCII digits with at most a minus, without blanks, plus signs, underscores or
digits of other scripts, so that no two parts of a system read `page= 1_0` differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from waypost.validation.annotations import ObjectField, bare, is_many, is_optional, item_of, places_of, without_none

Reader: TypeAlias = Callable[[str], Any]

_INT: Final = re.compile(r"-?[0-9]{1,4300}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,4300}(?:\.[0-9]{1,4300})?(?:[eE][+-]?[0-9]{1,4})?")
_BOOLS: Final = {"true": True, "1": True, "on": True, "false": False, "0": False}
REFUSED: Final = ""  # no number and no bool for either library, which then says so at its place


def read_int(text: str) -> Any:
    return int(text) if _INT.fullmatch(text) else REFUSED


def _read_float(text: str) -> Any:
    if _NUMBER.fullmatch(text) is None:
        return REFUSED
    value = float(text)
    return value if isfinite(value) else REFUSED  # as of JSON: infinity passes checks that are made for numbers


def _read_decimal(text: str) -> Any:
    return text if _NUMBER.fullmatch(text) else REFUSED


def _read_bool(text: str) -> Any:
    return _BOOLS.get(text, REFUSED)


_SCALARS: Final[Mapping[Any, Reader]] = {
    int: read_int, float: _read_float, bool: _read_bool, Decimal: _read_decimal,
}  # fmt: skip


def reader_of(annotation: Any) -> Reader | None:
    """What reads one text for an annotation; None where the text is taken as it is.

    An empty text is None for an Optional of anything but str: a form sends one for every field that is left empty.
    """
    kinds = without_none(annotation)
    readers = [_reader_of_one(bare(kind)) for kind in kinds]
    if any(reader is None for reader in readers):
        read: Reader | None = None
    elif len(readers) == 1:
        read = readers[0]
    else:
        read = _first_of([reader for reader in readers if reader is not None])
    if is_optional(annotation) and not any(bare(kind) in (str, Any) for kind in kinds):
        return _or_none(read)
    return read


def _reader_of_one(kind: Any) -> Reader | None:
    if get_origin(kind) is Literal:
        return _chooser(get_args(kind))
    if isinstance(kind, type):
        if issubclass(kind, Enum):
            return _chooser([member.value for member in kind])
        return _SCALARS.get(kind) or (read_int if issubclass(kind, int) else None)
    return None


def _chooser(values: Any) -> Reader | None:
    """Reads `2` as 2 where 2 is one of the values."""
    written = {str(value): value for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    written |= {"true" if value else "false": value for value in values if isinstance(value, bool)}
    return (lambda text: written.get(text, text)) if written else None


def _first_of(readers: list[Reader]) -> Reader:
    def read(text: str) -> Any:
        for reader in readers:
            value = reader(text)
            if value is not REFUSED:
                return value
        return REFUSED

    return read


def _or_none(read: Reader | None) -> Reader:
    return lambda text: None if not text else text if read is None else read(text)


Plan: TypeAlias = tuple[bool, Reader | None]  # whether it takes several texts; what reads each of them
_AS_IT_IS: Final[Plan] = (False, None)


class TextPlan:
    """How the text for one annotation is read: of a scalar, of a list, or of the fields of an object or a dict."""

    __slots__ = ("_fields", "_itself", "_others", "_places")

    def __init__(self, annotation: Any, fields: Mapping[str, ObjectField] | None) -> None:
        # _fields: those of an object; none for a dict, whose values are all of one type. _places: the readers of a
        # tuple that says something else for each place, by the name of the field, None for the annotation itself.
        self._fields: dict[str, Plan] | None = None
        self._others = _AS_IT_IS
        self._itself = _AS_IT_IS
        self._places: dict[str | None, list[Reader | None]] = {}
        if fields is not None:
            self._fields = {}
            for field in fields.values():
                for name in (field.name, *field.others):
                    self._fields[name] = self._plan(field.annotation, name)
        elif get_origin(bare(annotation)) is dict:
            self._fields = {}
            self._others = self._plan(get_args(bare(annotation))[1], None)
        else:
            self._itself = self._plan(annotation, None)

    def _plan(self, annotation: Any, name: str | None) -> Plan:
        if not is_many(annotation):
            return False, reader_of(annotation)
        places = places_of(annotation)
        if places is not None:
            self._places[name] = [reader_of(place) for place in places]
        return True, reader_of(item_of(annotation))

    def read(self, value: Any) -> Any:
        """The value for the schema. value: text or a list of it; of an object a mapping of names to such."""
        fields, others = self._fields, self._others
        if fields is None:
            items = _read(value, *self._itself)
            return _read_places(items, self._places[None]) if self._places else items
        found = {name: _read(item, *fields.get(name, others)) for name, item in value.items()}
        return self._in_place(found) if self._places else found

    def _in_place(self, found: dict[str, Any]) -> dict[str, Any]:
        for name, readers in self._places.items():
            for key in found.keys() & {name} if name is not None else found:
                found[key] = _read_places(found[key], readers)
        return found

    def read_pairs(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """The fields of an object from names and values; of a repeated name the first counts unless it takes all."""
        fields, others = self._fields or {}, self._others
        found: dict[str, Any] = {}
        for name, value in pairs:
            many, read = fields.get(name, others)
            if read is not None and value.__class__ is str:
                value = read(value)  # noqa: PLW2901  # the same value, read
            if many:
                if name in found:
                    found[name].append(value)
                else:
                    found[name] = [value]
            elif name not in found:
                found[name] = value
        return self._in_place(found) if self._places else found


def _first(value: Any) -> Any:
    """Of several values of one name the first, as the Web's get() has it."""
    return value[0] if value.__class__ is list and value else value


def _read_places(items: list[Any], readers: list[Reader | None]) -> list[Any]:
    read = [
        reader(item) if reader is not None and item.__class__ is str else item
        for reader, item in zip(readers, items, strict=False)
    ]
    return read + items[len(read) :]  # one too many is for the library to refuse


def _read(value: Any, many: bool, read: Reader | None) -> Any:
    if many:
        items = value if value.__class__ is list else [value]
        return items if read is None else [read(item) if item.__class__ is str else item for item in items]
    value = _first(value)
    return read(value) if read is not None and value.__class__ is str else value
