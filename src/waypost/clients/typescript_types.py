"""A JSON schema → a TypeScript type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from waypost.clients.tree import Schema

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PLAIN: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def key(name: str) -> str:
    """A property name as TypeScript writes it."""
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def type_name(name: str) -> str:
    """The name of a schema as that of a type."""
    name = re.sub(r"[^A-Za-z0-9_$]+", "_", name)
    return f"_{name}" if name[:1].isdigit() else name


def type_of(schema: Schema, indent: str = "") -> str:
    """The type of the values that `schema` allows.

    indent: that of the line it begins on.
    """
    if isinstance(schema, bool):
        return "unknown" if schema else "never"
    if "$ref" in schema:
        return type_name(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return union(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for word, join in (("anyOf", union), ("oneOf", union), ("allOf", _intersection)):
        if word in schema:
            rest = {name: value for name, value in schema.items() if name != word}
            joined = join(type_of(part, indent) for part in schema[word])
            if word != "allOf" and "properties" in rest:
                return _intersection([joined, type_of(rest, indent)])
            return joined
    kind = schema.get("type")
    if isinstance(kind, list):
        return union(type_of({**schema, "type": one}, indent) for one in kind)
    if kind == "string" and schema.get("format") == "binary":
        return "Blob"
    if kind == "array" or "prefixItems" in schema:
        return _array(schema, indent)
    if kind == "object" or "properties" in schema or "additionalProperties" in schema:
        return _object(schema, indent)
    return _PLAIN.get(str(kind), "unknown")


def union(types: Iterable[str]) -> str:
    """Each of the types once."""
    found = list(dict.fromkeys(types))
    if "unknown" in found:
        return "unknown"
    return " | ".join(found) or "never"


def _intersection(types: Iterable[str]) -> str:
    found = list(dict.fromkeys(name for name in types if name != "unknown"))
    return " & ".join(f"({name})" if " | " in name else name for name in found) or "unknown"


def _array(schema: Mapping[str, Any], indent: str) -> str:
    items: Schema = schema.get("items", True)
    first = [type_of(item, indent) for item in schema.get("prefixItems", ())]
    if not first:
        item = type_of(items, indent)
        return f"({item})[]" if " | " in item or " & " in item else f"{item}[]"
    more = [] if items is False or schema.get("maxItems") == len(first) else [f"...({type_of(items, indent)})[]"]
    return f"[{', '.join([*first, *more])}]"


def _object(schema: Mapping[str, Any], indent: str) -> str:
    others: Schema = schema.get("additionalProperties", True)
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if not properties:
        return "Record<string, never>" if others is False else f"Record<string, {type_of(others, indent)}>"
    required = set(schema.get("required", ()))
    inner = indent + "  "
    lines: list[str] = []
    for name, value in properties.items():
        described = value if isinstance(value, dict) else {}
        lines += comment(described.get("description", ""), inner, bool(described.get("deprecated")))
        mark = "" if name in required else "?"
        lines.append(f"{inner}{key(name)}{mark}: {type_of(value, inner)};")
    if isinstance(others, dict):
        # A property of another type has to fit the index as well.
        lines.append(f"{inner}[name: string]: unknown;")
    return "\n".join(["{", *lines, indent + "}"])


def comment(text: str, indent: str, deprecated: bool = False) -> list[str]:
    """A documentation comment, as lines."""
    lines = text.replace("*/", "* /").strip().splitlines()
    if deprecated:
        lines.append("@deprecated")
    if len(lines) <= 1:
        return [f"{indent}/** {line} */" for line in lines]
    return [f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]
