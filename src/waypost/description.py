"""What `[tool.waypost.openapi]` may say of an API: the words that no file of routes has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from waypost.setting import Kind


@dataclass(frozen=True, slots=True)
class Description:
    """The table, as OpenAPI's Info, Server and Tag objects have it. What is empty comes from [project]."""

    title: str = ""
    version: str = ""
    summary: str = ""
    description: str = ""
    terms_of_service: str = ""
    contact: Mapping[str, str] | None = None
    license: Mapping[str, str] | None = None
    servers: tuple[Mapping[str, str], ...] = ()
    tags: tuple[Mapping[str, str], ...] = ()


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value


def _texts(value: object, name: str, keys: tuple[str, ...]) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table with {', '.join(keys)}")
    table = cast("dict[str, object]", value)
    for key in table:
        if key not in keys:
            raise ValueError(f'{name} has no "{key}": it takes {", ".join(keys)}')
    return {key: _text(item, f"{name}.{key}") for key, item in table.items()}


def _each(keys: tuple[str, ...]) -> Callable[[object, str], tuple[Mapping[str, str], ...]]:
    """A list of tables whose first key is needed; a text alone stands for that key."""

    def read(value: object, name: str) -> tuple[Mapping[str, str], ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list")
        found = [
            {keys[0]: item} if isinstance(item, str) else _texts(item, f"an item of {name}", keys)
            for item in cast("list[object]", value)
        ]
        if any(not item.get(keys[0]) for item in found):
            raise ValueError(f"each item of {name} needs {keys[0]}")
        return tuple(found)

    return read


_READERS: Final[Mapping[str, Callable[[object, str], Any]]] = {
    "title": _text,
    "version": _text,
    "summary": _text,
    "description": _text,
    "terms_of_service": _text,
    "contact": lambda value, name: _texts(value, name, ("name", "url", "email")),
    "license": lambda value, name: _texts(value, name, ("name", "identifier", "url")),
    "servers": _each(("url", "description")),
    "tags": _each(("name", "description")),
}


def _read(value: object, text: bool) -> Description:
    if isinstance(value, Description):
        return value
    if text and isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("must be a JSON object") from None
    if not isinstance(value, dict):
        raise ValueError("must be a table, as [tool.waypost.openapi]")
    values: dict[str, Any] = {}
    for key, item in cast("dict[str, object]", value).items():
        name = key.replace("-", "_")
        if name not in _READERS:
            raise ValueError(f'has no "{key}": it takes {", ".join(_READERS)}')
        values[name] = _READERS[name](item, key)
    if values.get("license") is not None and not values["license"].get("name"):
        raise ValueError("license needs a name")
    return Description(**values)


DESCRIPTION: Final = Kind("table", _read)
