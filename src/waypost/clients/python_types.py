"""JSON schemas → Python types: a TypedDict for each object, defined in the order in which they are met."""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from waypost.clients.tree import Schema

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_LITERALS: Final = (str, int, bool, type(None))


def identifier(name: str) -> str:
    """`name` as a Python name: `blog-posts` is `blog_posts`, `class` is `class_`."""
    # In the form that Python compares names in; `²` is a letter for a pattern, and none for Python.
    name = "".join(char if f"_{char}".isidentifier() else "_" for char in unicodedata.normalize("NFKC", name))
    name = name if name.isidentifier() else f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name == "self" else name


def written(text: str) -> str:
    """`text` as a literal."""
    return json.dumps(text, ensure_ascii=False)  # the escapes of JSON for what is beyond 16 bits are not Python's


def class_name(*words: str) -> str:
    """`api`, `blog-posts` → `ApiBlogPosts`."""
    parts = (part for word in words for part in re.split(r"[\W_]+", word))
    return identifier("".join(part[:1].upper() + part[1:] for part in parts if part) or "Root")


class PythonTypes:
    """Turns schemas into annotations, and collects the definitions that they need.

    taken: names that the rest of the file has.
    """

    def __init__(self, named: Mapping[str, Schema], taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self.definitions: list[str] = []
        self._names = {name: self._free(identifier(name)) for name in named}
        for name, schema in named.items():
            self._define(self._names[name], schema)

    def of(self, schema: Schema, hint: str) -> str:
        """The annotation of `schema`. hint: what an object in it is called."""
        if isinstance(schema, bool):
            return "Any"
        if "$ref" in schema:
            return self._names[schema["$ref"].rpartition("/")[2]]
        if "const" in schema:
            return self._literal([schema["const"]])
        if "enum" in schema:
            return self._literal(schema["enum"])
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return union(self.of(part, hint) for part in schema[word])
        if "allOf" in schema:
            return self.of(schema["allOf"][0], hint) if len(schema["allOf"]) == 1 else "Any"
        kind = schema.get("type")
        if isinstance(kind, list):
            return union(self.of({**schema, "type": one}, hint) for one in kind)
        if kind == "string" and schema.get("format") == "binary":
            return "FormFile"
        if kind == "array" or "prefixItems" in schema:
            items = [*schema.get("prefixItems", ()), *([schema.get("items", True)] if "items" in schema else [])]
            inner = union(self.of(item, hint) for item in items if item is not False) if items else "Any"
            return f"list[{inner}]"
        if kind == "object" or "properties" in schema or "additionalProperties" in schema:
            return self._object(schema, hint)
        return _PLAIN.get(str(kind), "Any")

    def _object(self, schema: Mapping[str, Any], hint: str) -> str:
        if not schema.get("properties"):
            others: Schema = schema.get("additionalProperties", True)
            return f"dict[str, {self.of(others, hint)}]"
        name = self._free(class_name(hint))
        self._typed_dict(name, schema)
        return name

    def _free(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def _define(self, name: str, schema: Schema) -> None:
        if isinstance(schema, dict) and schema.get("properties") and not {"anyOf", "oneOf", "allOf"} & set(schema):
            self._typed_dict(name, schema)
            return
        # Quoted, because it may come before what it speaks of, or speak of itself.
        self.definitions.append(f"{name}: TypeAlias = {written(self.of(schema, name))}\n")

    def _typed_dict(self, name: str, schema: Mapping[str, Any]) -> None:
        required = set(schema.get("required", ()))
        fields: list[tuple[str, str]] = []
        for key, value in schema["properties"].items():
            kind = self.of(value, f"{name}_{key}")
            fields.append((key, kind if key in required else f"NotRequired[{kind}]"))
        if all(key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("__") for key, _ in fields):
            lines = [f"class {name}(TypedDict):"]
            lines += docstring(str(schema.get("description", "")), "    ")
            lines += [f"    {key}: {kind}" for key, kind in fields]
            self.definitions.append("\n".join(lines) + "\n")
            return
        listed = ", ".join(f"{written(key)}: {written(kind)}" for key, kind in fields)
        self.definitions.append(f'{name} = TypedDict("{name}", {{{listed}}})\n')

    def _literal(self, values: Iterable[Any]) -> str:
        found = list(values)
        if not all(isinstance(value, _LITERALS) for value in found):
            return "Any"
        return f"Literal[{', '.join(map(_shown, found))}]"


def _shown(value: Any) -> str:
    return written(value) if isinstance(value, str) else repr(value)


def union(types: Iterable[str]) -> str:
    """Each of the types once."""
    found = list(dict.fromkeys(types))
    return "Any" if "Any" in found or not found else " | ".join(found)


def docstring(text: str, indent: str) -> list[str]:
    """The lines of a docstring; none for no text."""
    lines = text.replace("\\", "\\\\").replace('"""', "'''").strip().splitlines()
    if not lines:
        return []
    if lines[-1].endswith('"'):
        lines[-1] += " "
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""']
