"""Unions that are read by a tag: the tag is required in their members, also where each of them has a default for it.

A model that is read alone may do without its tag, so a member is a form of its own, under a name of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from waypost.validation.json_schema import rebuilt

_MARK: Final = "?"  # in no name of a type
_CHOICES: Final = ("oneOf", "anyOf")


def plain_name(name: str) -> str:
    """The name of a definition without what marks it as a member of a union."""
    return name.partition(_MARK)[0]


def is_member(name: str) -> bool:
    """Whether a definition is the form that a type has as a member of a union."""
    return _MARK in name


def with_tags(schema: Any, definitions: Mapping[str, Any], prefix: str) -> tuple[Any, dict[str, Any]]:
    """A schema that is read and its definitions, with the members of its unions beside the types that they are.

    prefix: what stands before the name of a definition in a reference.
    """
    tagging = _Tagging(definitions, prefix)
    return rebuilt(schema, tagging.change), tagging.definitions()


class _Tagging:
    def __init__(self, definitions: Mapping[str, Any], prefix: str) -> None:
        self._given, self._prefix = definitions, prefix
        self._wanted: deque[tuple[str, str]] = deque()

    def change(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A union, with the tag required in each of its members; anything else as it is."""
        tag = schema.get("discriminator", {}).get("propertyName")
        return schema if tag is None else self._demanding(schema, tag)

    def definitions(self) -> dict[str, Any]:
        """The given ones and, last, those of members, which are found on the way."""
        found = {name: rebuilt(definition, self.change) for name, definition in self._given.items()}
        done: set[str] = set()
        while self._wanted:
            name, tag = self._wanted.popleft()
            member = f"{name}{_MARK}{tag}"
            if member not in done:
                done.add(member)
                found[member] = self._demanding(found[name], tag)
        return found

    def _demanding(self, schema: Any, tag: str) -> Any:
        """A member of a union, or a union, that has to have the tag."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return {**schema, "$ref": self._member(schema["$ref"], tag)}
        found = dict(schema)
        for word in _CHOICES:
            if word in schema:
                found[word] = [self._demanding(item, tag) for item in schema[word]]
        if "mapping" in schema.get("discriminator", {}):
            told = schema["discriminator"]
            mapping = {value: self._member(reference, tag) for value, reference in told["mapping"].items()}
            found["discriminator"] = {**told, "mapping": mapping}
        fields, required = schema.get("properties", {}), schema.get("required", ())
        if tag in fields and tag not in required:
            found["required"] = [name for name in fields if name in required or name == tag]
        return found

    def _member(self, reference: Any, tag: str) -> Any:
        if not isinstance(reference, str):
            return reference
        name = reference.removeprefix(self._prefix)
        plain, *tags = name.split(_MARK)
        if plain not in self._given or tag in (*tags, *self._given[plain].get("required", ())):
            return reference
        self._wanted.append((name, tag))
        return f"{reference}{_MARK}{tag}"
