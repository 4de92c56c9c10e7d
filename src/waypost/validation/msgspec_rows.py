"""Rows as dicts, where a TypedDict is asked for: msgspec reads attributes for Structs and dataclasses only."""

from __future__ import annotations

from typing import Any, Final

from msgspec.inspect import (
    CollectionType,
    DataclassType,
    DictType,
    Metadata,
    StructType,
    TupleType,
    TypedDictType,
    UnionType,
    VarTupleType,
)

_NO_ROWS: Final = (type(None), bool, int, float, str, bytes, list, tuple, set, frozenset)


def dicts_of(value: Any, info: Any) -> Any:
    """The value with a dict for each object that stands where `info`, of msgspec.inspect, has a TypedDict.

    An object that lacks what is required stays as it is, and is refused by whoever reads it.
    """
    if isinstance(info, UnionType):
        for member in info.types:
            value = dicts_of(value, member)
        return value
    if isinstance(info, Metadata):
        return dicts_of(value, info.type)
    if isinstance(value, dict):
        return _of_dict(value, info)
    if isinstance(info, TypedDictType):
        return _of_row(value, info)
    if type(value) in (list, tuple):
        if isinstance(info, CollectionType | VarTupleType):
            return [dicts_of(item, info.item_type) for item in value]
        if isinstance(info, TupleType) and len(info.item_types) == len(value):
            return [dicts_of(item, part) for item, part in zip(value, info.item_types, strict=True)]
    return value


def _of_dict(value: dict[Any, Any], info: Any) -> Any:
    if isinstance(info, DictType):
        return {key: dicts_of(item, info.value_type) for key, item in value.items()}
    if isinstance(info, TypedDictType | StructType | DataclassType):
        fields = {field.encode_name: field.type for field in info.fields}
        return {key: dicts_of(item, fields[key]) if key in fields else item for key, item in value.items()}
    return value


def _of_row(value: Any, info: TypedDictType) -> Any:
    if type(value) in _NO_ROWS or not all(hasattr(value, field.name) for field in info.fields if field.required):
        return value
    return {
        field.name: dicts_of(getattr(value, field.name), field.type)
        for field in info.fields
        if hasattr(value, field.name)
    }
