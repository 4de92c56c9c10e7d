"""Cached values as bytes and back: what comes out of the cache equals what was put in, or it is refused at the call.

The stored form is JSON. What JSON has not (dates, tuples, sets, bytes, Decimal, UUID, keys that are no text) stands in
it as `{"$": kind, "v": …}`. Objects of classes (dataclass, msgspec Struct, pydantic model, Enum) are stored by their
fields and made again by the function's return annotation, never by a name in the stored bytes: bytes from a store
can't make objects of other types.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from waypost.errors import CacheUsageError

_MARK: Final = "$"
_SAFE_INT: Final = 2**63 - 1
_ATOMS: Final = frozenset((type(None), bool, str))
_FORMS: Final = {"plain": b"p", "marked": b"m", "typed": b"t"}

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


def encode_value(value: Any, returns: Any, name: str) -> bytes:
    """The stored form. returns: the function's return annotation, None without one; name: the function's, for errors.

    Raises CacheUsageError for a value that would not come back as it is, and says where in it.
    """
    writer = _Writer(name, typed=returns is not None)
    try:
        plain = writer.write(value, "the result")
        data = writer.form + _to_json(plain)
    except RecursionError:
        raise CacheUsageError(f"{name}: the result is nested too deeply, or holds itself") from None
    except UnicodeEncodeError:
        raise CacheUsageError(f"{name}: the result holds text that is no Unicode (a lone surrogate)") from None
    if writer.form == _FORMS["typed"]:
        _check_round_trip(value, data, returns, name)
    return data


def decode_value(data: bytes, returns: Any) -> Any:
    """The value of `encode_value`, as a new object. Raises ValueError for other bytes."""
    form, text = data[:1], data[1:]
    value = _from_json(text)
    if form == _FORMS["plain"]:
        return value
    value = _read(value)
    return _convert(value, returns) if form == _FORMS["typed"] else value


def _check_round_trip(value: Any, data: bytes, returns: Any, name: str) -> None:
    try:
        again = decode_value(data, returns)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise CacheUsageError(f"{name}: the result does not fit its annotation {returns}: {error}") from error
    if again != value:
        raise CacheUsageError(
            f"{name}: the result would come back from the cache as another value; return plain data, or annotate the "
            f"function with what it returns (now {returns})"
        )


class _Writer:
    """One value on its way into JSON. form: what it took so far."""

    __slots__ = ("form", "name", "typed")

    def __init__(self, name: str, *, typed: bool) -> None:
        self.name = name
        self.typed = typed
        self.form = _FORMS["plain"]

    def write(self, value: Any, where: str) -> Any:
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is int:
            return value if -_SAFE_INT <= value <= _SAFE_INT else self._mark("int", str(value))
        if kind is float:
            return value if math.isfinite(value) else self._mark("float", repr(value))
        if kind is list:
            return [self.write(item, f"{where}[{index}]") for index, item in enumerate(value)]
        if kind is dict:
            return self._dict(value, where)
        if kind in (tuple, set, frozenset):
            return self._mark(kind.__name__, [self.write(item, f"an item of {where}") for item in value])
        if kind in _SCALARS:
            return self._mark(kind.__name__, _SCALARS[kind](value))
        return self._object(value, where)

    def _mark(self, kind: str, value: Any) -> dict[str, Any]:
        if self.form == _FORMS["plain"]:
            self.form = _FORMS["marked"]
        return {_MARK: kind, "v": value}

    def _dict(self, value: dict[Any, Any], where: str) -> Any:
        if all(type(key) is str for key in value) and _MARK not in value:
            return {key: self.write(item, f"{where}[{key!r}]") for key, item in value.items()}
        pairs = [
            [self.write(key, f"a key of {where}"), self.write(item, f"{where}[{key!r}]")] for key, item in value.items()
        ]
        return self._mark("dict", pairs)

    def _object(self, value: Any, where: str) -> Any:
        fields = fields_of(value)
        if fields is None:
            raise CacheUsageError(
                f"{self.name}: {where} is of type {type(value).__name__}, which can't be stored: return a dict, a "
                "list, text, numbers, dates, or a dataclass or model that the return annotation names"
            )
        if not self.typed:
            raise CacheUsageError(
                f"{self.name}: {where} is of the class {type(value).__name__}: annotate what the function returns, so "
                "that it can be made again"
            )
        self.form = _FORMS["typed"]
        if isinstance(fields, dict):
            return {key: self.write(item, f"{where}.{key}") for key, item in fields.items()}
        return self.write(fields, where)


def fields_of(value: Any) -> Any:
    """What an object of a class is made of: a dict of fields, an Enum's value, a NamedTuple's list; None for others."""
    if isinstance(value, type):
        return None
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if hasattr(value, "__pydantic_serializer__"):
        return dict(value.__dict__)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(value)
    return None


def _write_datetime(value: datetime) -> list[Any]:
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return [value.replace(tzinfo=None).isoformat(), value.fold, zone.key]
    # Another kind of zone comes back as its offset: the same instant.
    return [value.isoformat(), value.fold, ""]


def _write_time(value: time) -> list[Any]:
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return [value.replace(tzinfo=None).isoformat(), value.fold, zone.key]
    return [value.isoformat(), value.fold, ""]


_SCALARS: Final[dict[type, Callable[[Any], Any]]] = {
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    bytearray: lambda value: base64.b64encode(value).decode("ascii"),
    datetime: _write_datetime,
    date: date.isoformat,
    time: _write_time,
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    Decimal: str,
    UUID: str,
}


def _read(value: Any) -> Any:
    if type(value) is list:
        return [_read(item) for item in value]
    if type(value) is not dict:
        return value
    kind = value.get(_MARK)
    if kind is None:
        return {key: _read(item) for key, item in value.items()}
    return _READERS[kind](value["v"])


def _zoned(read: Callable[[str], Any]) -> Callable[[list[Any]], Any]:
    def restore(parts: list[Any]) -> Any:
        text, fold, zone = parts
        value = read(text)
        if zone:
            return value.replace(fold=fold, tzinfo=ZoneInfo(zone))
        return value.replace(fold=fold) if fold else value

    return restore


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "int": int,
    "float": float,
    "tuple": lambda items: tuple(map(_read, items)),
    "set": lambda items: set(map(_read, items)),
    "frozenset": lambda items: frozenset(map(_read, items)),
    "dict": lambda pairs: {_read(key): _read(item) for key, item in pairs},
    "bytes": base64.b64decode,
    "bytearray": lambda text: bytearray(base64.b64decode(text)),
    "datetime": _zoned(datetime.fromisoformat),
    "date": date.fromisoformat,
    "time": _zoned(time.fromisoformat),
    "timedelta": lambda parts: timedelta(*parts),
    "Decimal": Decimal,
    "UUID": UUID,
}

_NATIVE: Final = (bytes, bytearray, datetime, date, time, timedelta, Decimal, UUID)


def _convert(value: Any, returns: Any) -> Any:
    return msgspec.convert(value, returns, builtin_types=_NATIVE, dec_hook=_make_model)


def _make_model(model: Any, value: Any) -> Any:
    """An object of a class that msgspec does not know: a pydantic model."""
    if hasattr(model, "model_validate"):
        return model.model_validate(value)
    raise NotImplementedError(f"{model} can't be made from stored data")
