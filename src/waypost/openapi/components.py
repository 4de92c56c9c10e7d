"""The named schemas of a document: each Python type once, two types of one name under two names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Any, Final

from waypost.validation.annotations import walk
from waypost.validation.json_schema import rebuilt
from waypost.validation.schema import REF_TEMPLATE, Mode, Schema

_PREFIX: Final = REF_TEMPLATE.partition("{")[0]
_REFERENCE: Final = re.compile(rf'"{_PREFIX}([^"/]+)"')
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Components:
    """Collects definitions while a document is written."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        # Name → what stands under it with all that it refers to, as one text, and the mode it was first wanted in.
        self._meanings: dict[str, tuple[str, Mode]] = {}

    def use(self, schema: Schema, mode: Mode) -> dict[str, Any]:
        """The schema as it stands in the document; what it refers to is kept.

        In what is sent, a field with a default is never missing.
        """
        found, given = schema.json_schema(mode)
        found, definitions = rebuilt(found, _plain), {name: rebuilt(item, _plain) for name, item in given.items()}
        if mode == "serialization" and not _omits_defaults(schema.annotation):
            found = rebuilt(found, _filled)
            definitions = {name: rebuilt(item, _filled) for name, item in definitions.items()}
        title = found.get("title")
        if isinstance(title, str) and "properties" in found and title not in definitions:
            # pydantic writes a model out where it stands alone; it has a name all the same.
            definitions[title] = found
            found = {"$ref": _PREFIX + title}
        names = {name: self._name(name, _meaning(name, definitions), mode) for name in definitions}
        for name, definition in definitions.items():
            self.schemas[names[name]] = _renamed(definition, names)
        result: dict[str, Any] = _renamed(found, names)
        return result

    def add(self, name: str, definition: Mapping[str, Any]) -> dict[str, str]:
        """A reference to a definition of our own."""
        name = self._name(name, json.dumps(definition), "serialization")
        self.schemas[name] = definition
        return {"$ref": _PREFIX + name}

    def _name(self, name: str, meaning: str, mode: Mode) -> str:
        """A free name, or that under which the same stands here already."""
        wanted = _NOT_A_NAME.sub("_", name).strip("_") or "Schema"
        candidates = [wanted]
        if self._meanings.get(wanted, (meaning, mode))[1] != mode:
            # Probably one type, which is written with all of its fields and read without some.
            candidates.append(wanted + ("Input" if mode == "validation" else "Output"))
        numbered = (f"{wanted}{number}" for number in count(2))
        found = next(
            name for name in chain(candidates, numbered) if self._meanings.get(name, (meaning, mode))[0] == meaning
        )
        self._meanings.setdefault(found, (meaning, mode))
        return found

    def sorted(self) -> dict[str, Any]:
        """The definitions in the order of their names."""
        return {name: self.schemas[name] for name in sorted(self.schemas)}


def _meaning(name: str, definitions: Mapping[str, Any]) -> str:
    """A definition and all that it refers to: two types of one name may differ in a type below them only."""
    reached: dict[str, Any] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        reached[current] = text = json.dumps(definitions.get(current), sort_keys=True, default=str)
        pending += [other for other in _REFERENCE.findall(text) if other not in reached]
    return json.dumps([reached.pop(name), reached], sort_keys=True)


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """`schema` with its references turned to the names that their definitions have in the document."""

    def renamed(reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith(_PREFIX):
            return reference
        name = reference.removeprefix(_PREFIX)
        return _PREFIX + names.get(name, name)

    def change(found: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in found:
            found["$ref"] = renamed(found["$ref"])
        mapping = found.get("discriminator", {}).get("mapping", {})
        if all(isinstance(reference, str) for reference in mapping.values()):
            mapping = {tag: renamed(reference) for tag, reference in mapping.items()}
            found |= {"discriminator": {**found["discriminator"], "mapping": mapping}} if mapping else {}
        else:
            # pydantic writes a union inside of a union out, where OpenAPI has names only.
            del found["discriminator"]
        return found

    return rebuilt(schema, change)


def _omits_defaults(annotation: Any) -> bool:
    """Whether a Struct of msgspec, somewhere in an annotation, is written without what has its default."""
    return any(getattr(getattr(item, "__struct_config__", None), "omit_defaults", False) for item in walk(annotation))


def _filled(schema: dict[str, Any]) -> dict[str, Any]:
    """An object with every field required that has a default."""
    fields = schema.get("properties", {})
    needed = schema.get("required", ())
    required = [name for name, field in fields.items() if name in needed or _has_default(field)]
    return {**schema, "required": required} if required else schema


def _has_default(field: Any) -> bool:
    return isinstance(field, dict) and "default" in field


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """An object without the titles that pydantic makes of field names: they say nothing new."""
    if "properties" not in schema:
        return schema
    return {**schema, "properties": {name: _untitled(name, field) for name, field in schema["properties"].items()}}


def _untitled(name: str, field: Any) -> Any:
    title = field.get("title") if isinstance(field, dict) else None
    if isinstance(title, str) and title.replace(" ", "").lower() == name.replace("_", "").replace("-", "").lower():
        return {key: value for key, value in field.items() if key != "title"}
    return field
