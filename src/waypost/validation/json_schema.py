"""The schemas that stand inside of a JSON Schema, told apart from names and values.

A field may be called `properties`, and a default may look like a schema: who walks through every dict takes both for
what they are not. Source: JSON Schema 2020-12, the keywords that hold schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

_NAMED: Final = frozenset(("$defs", "definitions", "dependentSchemas", "patternProperties", "properties"))
_HOLDING: Final = frozenset((
    "additionalProperties", "allOf", "anyOf", "contains", "contentSchema", "else", "if", "items", "not", "oneOf",
    "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
))  # fmt: skip


def rebuilt(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy of `schema`, in which every schema is what `change` makes of it; those inside come first.

    change: may change the dict that it gets. What is no schema (`true`, a default, an enum) stays the very object.
    """
    if isinstance(schema, list):
        return [rebuilt(item, change) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for word, value in schema.items():
        if word in _NAMED and isinstance(value, Mapping):
            found[word] = {name: rebuilt(item, change) for name, item in value.items()}
        else:
            found[word] = rebuilt(value, change) if word in _HOLDING else value
    return change(found)


def schemas_in(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema in `schema`, itself first."""
    if isinstance(schema, list):
        for item in schema:
            yield from schemas_in(item)
    elif isinstance(schema, Mapping):
        yield schema
        for word, value in schema.items():
            if word in _NAMED and isinstance(value, Mapping):
                for item in value.values():
                    yield from schemas_in(item)
            elif word in _HOLDING:
                yield from schemas_in(value)
