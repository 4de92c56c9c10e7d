"""JSON in and out, on msgspec.

Reading is RFC 8259 as JavaScript's JSON.parse has it; writing follows JSON.stringify where Python has a counterpart.
Knows neither requests nor schemas.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from types import CoroutineType
from typing import Any

import msgspec

from waypost.errors import InvalidJSON, InvalidResponseError

_BOM = b"\xef\xbb\xbf"
_NO_CONFIG: Mapping[str, Any] = {}
_decode = msgspec.json.Decoder().decode


def parse_json(data: bytes | bytearray | memoryview | str) -> Any:
    """The value of a JSON text. Raises InvalidJSON (400) for anything else.

    A byte order mark is dropped and invalid UTF-8 becomes U+FFFD, as in the Web's `json()`; of equal keys the last
    wins. Refused, though the grammar allows them: half of a surrogate pair (no Python str that can be sent on may hold
    one), a float out of range, an integer of more than 4,300 digits, and nesting past the interpreter's recursion
    limit (at least 900 levels).
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        # The message is fixed: what the client sent must not come back in an answer, and the detail is in __cause__.
        failure = error
    try:
        text = _as_text(data)
        if text is not None:
            return _decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        failure = error
    raise InvalidJSON("The body is not valid JSON") from failure


def _as_text(data: bytes | bytearray | memoryview | str) -> str | None:
    """data without BOM and with its bad bytes replaced; None when that changes nothing."""
    if isinstance(data, str):
        return data[1:] if data.startswith("\ufeff") else None
    octets = bytes(data)
    if octets.startswith(_BOM):
        return octets[3:].decode("utf-8", "replace")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("utf-8", "replace")
    return None


def _encode_other(value: Any) -> Any:
    """What msgspec can encode in the place of a value of a type it does not know."""
    serializer = getattr(type(value), "__pydantic_serializer__", None)
    if serializer is not None:
        # pydantic's own bytes go in as they are: 0.5 µs for a small model, and pydantic is never imported here.
        return msgspec.Raw(_dump(serializer, value))
    if value is None or isinstance(value, bool):
        # As values msgspec knows these; here they are keys, which are written as JavaScript writes them.
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list | tuple | set | frozenset):
        raise InvalidResponseError(f"JSON can't hold an object with a key of type {_type_name(value)}")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | Set):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, CoroutineType):
        value.close()  # or Python warns, somewhere else, that nobody awaited it
        raise InvalidResponseError("JSON can't hold a coroutine: `await` is missing in front of it")
    raise InvalidResponseError(f"JSON can't hold a value of type {_type_name(value)}")


def _dump(serializer: Any, value: Any) -> bytes:
    """What pydantic writes of a value: by aliases, as descriptions have it, unless its config says otherwise."""
    dumped: bytes = serializer.to_json(value, by_alias=_by_alias(value.__class__))
    return dumped


@lru_cache(512)  # bounded: a program may make its models while it runs
def _by_alias(kind: type) -> bool:
    config: Any = getattr(kind, "model_config", None)
    if config is None:  # a dataclass of pydantic's
        config = getattr(kind, "__pydantic_config__", _NO_CONFIG)
    return bool(config.get("serialize_by_alias", True))


def _type_name(value: object) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


_encode = msgspec.json.Encoder(enc_hook=_encode_other).encode


def encode_json(value: Any) -> bytes:
    """value as compact UTF-8 JSON. Raises InvalidResponseError, which names the type, for what JSON can't hold.

    Besides str, numbers, bool, None, dict, list and tuple: dataclasses, Structs, pydantic models, attrs classes,
    mappings, sequences, sets, Enum (its value), datetime, date, time and timedelta (ISO 8601), UUID, Decimal (as a
    string: a JSON number would lose digits), bytes (base64), paths. NaN and the infinities become null.
    """
    try:
        if value.__class__ is dict or (serializer := getattr(type(value), "__pydantic_serializer__", None)) is None:
            return _encode(value)
        return _dump(serializer, value)  # as in _encode_other, without a copy
    except RecursionError:
        raise InvalidResponseError("JSON can't hold a value that contains itself or is nested this deep") from None
    except UnicodeEncodeError as error:
        raise InvalidResponseError("JSON can't hold a str with half of a surrogate pair") from error
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidResponseError(f"the value can't be sent as JSON: {error}") from error
