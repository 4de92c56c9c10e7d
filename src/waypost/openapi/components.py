"""The named schemas of a document: each Python type once, two types of one name under two names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from waypost.openapi.naming import Form, component_names
from waypost.openapi.tags import is_member, plain_name, with_tags
from waypost.validation.annotations import walk
from waypost.validation.json_schema import rebuilt, schemas_in
from waypost.validation.schema import REF_TEMPLATE, Mode, Schema

_PREFIX: Final = REF_TEMPLATE.partition("{")[0]
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(slots=True)
class _Definition:
    """One schema that gets a name. name: what its type is called. forms: what it is used as."""

    name: str
    schema: Mapping[str, Any]
    forms: set[Form]


class Components:
    """Collects definitions while a document is written.

    Their names depend on all of them. Until `finish` a reference has a number in the place of the name.
    """

    def __init__(self) -> None:
        self._definitions: list[_Definition] = []
        # Name, and what stands under it with all that it refers to → its place in the list.
        self._numbers: dict[tuple[str, str], int] = {}
        # Each dict with a reference, and the key that it stands under.
        self._links: list[tuple[dict[str, Any], str]] = []

    def use(self, schema: Schema, mode: Mode) -> dict[str, Any]:
        """The schema as it stands in the document; what it refers to is kept.

        In what is sent, a field with a default is never missing; in what is read, the tag of a union.
        """
        found, given = schema.json_schema(mode)
        found, definitions = rebuilt(found, _plain), {name: rebuilt(item, _plain) for name, item in given.items()}
        if mode == "validation":
            found, definitions = with_tags(found, definitions, _PREFIX)
        elif not _omits_defaults(schema.annotation):
            found = rebuilt(found, _filled)
            definitions = {name: rebuilt(item, _filled) for name, item in definitions.items()}
        title = found.get("title")
        if isinstance(title, str) and "properties" in found and title not in definitions:
            # pydantic writes a model out where it stands alone; it has a name all the same.
            definitions[title] = found
            found = {"$ref": _PREFIX + title}
        linked: dict[str, Any] = self._linked(found, self._keep(found, definitions, mode))
        return linked

    def add(self, name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        """A reference to a definition of our own."""
        reference = {"$ref": _PREFIX + name}
        linked: dict[str, Any] = self._linked(reference, self._keep(reference, {name: definition}, "serialization"))
        return linked

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a schema of `use` refers to, or itself."""
        number = str(schema.get("$ref")).removeprefix(_PREFIX)
        return self._definitions[int(number)].schema if number.isdecimal() else schema

    def finish(self) -> dict[str, Any]:
        """The definitions in the order of their names. Every schema that was given out refers to them now."""
        names = component_names([(item.name, item.forms) for item in self._definitions])
        for holder, key in self._links:
            holder[key] = _PREFIX + names[int(holder[key].removeprefix(_PREFIX))]
        self._links.clear()
        return {name: item.schema for name, item in sorted(zip(names, self._definitions, strict=True), key=_first)}

    def _keep(self, found: Any, definitions: Mapping[str, Any], mode: Mode) -> dict[str, int]:
        """The number of each definition that the schema needs, by its name in the schema."""
        references = {name: list(_references(item)) for name, item in definitions.items()}
        texts = {name: _text(item) for name, item in definitions.items()}
        needed = [name for start in _references(found) for name in _reached(start, references)]
        numbers: dict[str, int] = {}
        new: list[str] = []
        for name in dict.fromkeys(needed):
            form: Form = "sent" if mode == "serialization" else "tagged" if is_member(name) else "read"
            wanted = _NOT_A_NAME.sub("_", plain_name(name)).strip("_") or "Schema"
            number = self._numbers.setdefault((wanted, _meaning(name, references, texts)), len(self._definitions))
            if number == len(self._definitions):
                self._definitions.append(_Definition(wanted, {}, set()))
            kept = self._definitions[number]
            kept.forms.add(form)
            # An enum of msgspec has no type, and lost its order: pydantic's says more.
            if not kept.schema or ("type" in definitions[name] and "type" not in kept.schema):
                new.append(name)
            numbers[name] = number
        for name in new:
            self._definitions[numbers[name]].schema = self._linked(definitions[name], numbers)
        return numbers

    def _linked(self, schema: Any, numbers: Mapping[str, int]) -> Any:
        """A copy of `schema` whose references have numbers, and get their names in the end."""

        def link(holder: dict[str, Any], key: str) -> None:
            name = str(holder[key]).removeprefix(_PREFIX)
            if name in numbers:
                holder[key] = f"{_PREFIX}{numbers[name]}"
                self._links.append((holder, key))

        def change(found: dict[str, Any]) -> dict[str, Any]:
            if "$ref" in found:
                link(found, "$ref")
            mapping = found.get("discriminator", {}).get("mapping", {})
            if not all(isinstance(reference, str) for reference in mapping.values()):
                # pydantic writes a union inside of a union out, where OpenAPI has names only.
                del found["discriminator"]
            elif mapping:
                mapping = dict(mapping)
                found["discriminator"] = {**found["discriminator"], "mapping": mapping}
                for tag in mapping:
                    link(mapping, tag)
            return found

        return rebuilt(schema, change)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _references(schema: Any) -> Iterator[str]:
    """The names of the definitions that a schema refers to, in their order."""
    for inner in schemas_in(schema):
        reference = inner.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX)


def _reached(name: str, references: Mapping[str, list[str]]) -> dict[str, int]:
    """A definition and all that it refers to, each with its place in that order."""
    found: dict[str, int] = {}
    todo = [name]
    for current in todo:
        if current in references and current not in found:
            found[current] = len(found)
            todo += references[current]
    return found


def _meaning(name: str, references: Mapping[str, list[str]], texts: Mapping[str, str]) -> str:
    """A definition and all that it refers to: two types of one name may differ in a type below them only."""
    places = _reached(name, references)
    return json.dumps([(texts[item], [places.get(other) for other in references[item]]) for item in places])


def _text(definition: Any) -> str:
    """What a definition says, without what the two libraries write differently or what only one use of it has."""

    def change(found: dict[str, Any]) -> dict[str, Any]:
        if isinstance(found.get("$ref"), str):
            found["$ref"] = plain_name(found["$ref"])
        if "enum" in found:
            found["enum"] = sorted(found["enum"], key=json.dumps)
            found.pop("type", None)
        if "discriminator" in found:
            # Where the tags lead is said by the members.
            found["discriminator"] = found["discriminator"].get("propertyName")
        return found

    return json.dumps(rebuilt(definition, change), sort_keys=True, default=str)


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
