"""What msgspec leaves undone in the values that it makes.

A plain default of a dataclass stays an attribute of the class: the object has none of its own, `vars()` does not show
it, and msgspec's encoder, which writes what the object has, leaves the field out.

"NaN", "sNaN" and "Infinity" are Decimals, and no numbers: a handler's `amount <= 0` raises, or is passed by.

Where to look is decided once, from the types: a schema that can hold no such thing has no work, and pays nothing.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_origin

import msgspec
from msgspec.inspect import (
    CollectionType,
    DataclassType,
    DecimalType,
    DictType,
    Metadata,
    NamedTupleType,
    StructType,
    TupleType,
    TypedDictType,
    UnionType,
    VarTupleType,
)

Take: TypeAlias = Callable[[list[Any]], list[Any]]
Finish: TypeAlias = Callable[[Any], None]

_SEVERAL: Final = (list, tuple, set, frozenset)


class _Step:
    """What is done with all values that stand at the places of one type.

    kind: of the values that are meant; at the place of a union stand others too. defaults: what an object lacks.
    decimal: they are Decimals. parts: how the values below are taken out, and what is done with them. again: values of
    this type may hold others.
    """

    __slots__ = ("again", "decimal", "defaults", "kind", "parts")

    def __init__(self, item: Any) -> None:
        self.kind = _kind(item)
        self.defaults = _defaults(item)
        self.decimal = isinstance(item, DecimalType)
        self.parts: list[tuple[Take, _Step]] = []
        self.again = False


def finish_of(info: Any) -> Finish | None:
    """What completes, in place, a value of the type that msgspec.inspect describes; None where there is no work.

    It raises ValueError for a value that holds a Decimal which is no number.
    """
    items = list(_below(info))
    steps = {id(item): _Step(item) for item in items}
    wanted = {key for key, step in steps.items() if step.defaults or step.decimal}
    size = -1
    while size != len(wanted):
        size = len(wanted)
        wanted |= {id(item) for item in items if any(id(part) in wanted for _, part in _parts(item))}
    if id(info) not in wanted:
        return None
    for item in items:
        step = steps[id(item)]
        step.parts = [(take, steps[id(part)]) for take, part in _parts(item) if id(part) in wanted]
        step.again = any(inner is item for _, part in _parts(item) for inner in _below(part))
    return _runner(steps[id(info)])


def _runner(first: _Step) -> Finish:
    def finish(value: Any) -> None:
        todo = [(first, [value])]
        # An object that a handler made may hold itself. It can't be sent, and must not keep the worker busy either.
        seen: set[tuple[int, int]] = set()
        while todo:
            step, values = todo.pop()
            values = [item for item in values if isinstance(item, step.kind)]
            if step.again:
                values = [item for item in values if (id(step), id(item)) not in seen]
                seen.update((id(step), id(item)) for item in values)
            if not values:
                continue
            if step.decimal and not all(item.is_finite() for item in values):
                raise ValueError("a Decimal is no finite number")
            for name, default in step.defaults:
                for item in values:
                    vars(item).setdefault(name, default)  # past what a frozen dataclass forbids
            todo += [(part, take(values)) for take, part in step.parts]

    return finish


def not_finite(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of the Decimals in a value that are no numbers, with the names that fields have on the wire."""
    parts: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Decimal):
        if not value.is_finite():
            yield path
    elif isinstance(value, dict):
        parts = [(str(name), part) for name, part in value.items()]
        if not all(name.is_finite() for name in value if isinstance(name, Decimal)):
            yield path
    elif isinstance(value, _SEVERAL):
        parts = enumerate(value)
    elif isinstance(value, msgspec.Struct):
        names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        parts = [(shown, getattr(value, name)) for name, shown in names]
    elif dataclasses.is_dataclass(value):
        parts = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    for step, part in parts:
        yield from not_finite(part, (*path, step))


def _kind(item: Any) -> Any:
    if isinstance(item, DecimalType):
        return Decimal
    if isinstance(item, StructType | DataclassType | NamedTupleType):
        return get_origin(item.cls) or item.cls
    if isinstance(item, DictType | TypedDictType):
        return dict
    return _SEVERAL if isinstance(item, CollectionType | VarTupleType | TupleType) else object


def _defaults(item: Any) -> list[tuple[str, Any]]:
    if not isinstance(item, DataclassType):
        return []
    kind: Any = get_origin(item.cls) or item.cls
    if not kind.__dictoffset__:
        return []  # all in slots, which msgspec fills
    return [
        (field.name, field.default)
        for field in item.fields
        if field.default is not msgspec.NODEFAULT and _is_plain(inspect.getattr_static(kind, field.name, _is_plain))
    ]


def _is_plain(attribute: Any) -> bool:
    """Whether what the class has under a field's name is its default, and neither a slot nor nothing at all."""
    return attribute is not _is_plain and not hasattr(type(attribute), "__set__")


def has_decimal(info: Any) -> bool:
    """Whether a Decimal stands in the type that msgspec.inspect describes."""
    return any(isinstance(item, DecimalType) for item in _below(info))


def has_typed_dict(info: Any) -> bool:
    """Whether a TypedDict stands in it."""
    return any(isinstance(item, TypedDictType) for item in _below(info))


def _below(info: Any) -> Iterator[Any]:
    """A type and all in it, each once."""
    seen: set[int] = set()
    todo = [info]
    while todo:
        item = todo.pop()
        if id(item) not in seen:
            seen.add(id(item))
            yield item
            todo += [part for _, part in _parts(item)]


def _parts(item: Any) -> list[tuple[Take, Any]]:
    """The types in a type, and what takes their values out of its values."""
    if isinstance(item, StructType | DataclassType | NamedTupleType):
        return [(_attributes(field.name), field.type) for field in item.fields]
    if isinstance(item, TypedDictType):
        return [(_entries(field.name), field.type) for field in item.fields]
    if isinstance(item, DictType):
        return [(_items, item.key_type), (_values, item.value_type)]
    if isinstance(item, CollectionType | VarTupleType):
        return [(_items, item.item_type)]
    if isinstance(item, TupleType):
        return [(_places(place), part) for place, part in enumerate(item.item_types)]
    if isinstance(item, UnionType):
        return [(_same, part) for part in item.types]
    return [(_same, item.type)] if isinstance(item, Metadata) else []


def _same(values: list[Any]) -> list[Any]:
    return values


def _items(values: list[Any]) -> list[Any]:
    return [item for value in values for item in value]


def _values(values: list[Any]) -> list[Any]:
    return [item for value in values for item in value.values()]


def _attributes(name: str) -> Take:
    get = attrgetter(name)
    return lambda values: [get(value) for value in values]


def _entries(name: str) -> Take:
    return lambda values: [value[name] for value in values if name in value]


def _places(place: int) -> Take:
    return lambda values: [value[place] for value in values if len(value) > place]
