"""Unions that a small request could keep a worker busy with: told at the start, from pydantic's own plan of a schema.

pydantic tries the members of a union one after the other. Where two of them may be what the value is, and both may hold
the same union once more, each level of a value doubles the work: thirty levels, in a few hundred bytes, take hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from waypost.validation.pydantic_plan import Node, nodes_below

# Kinds that JSON's objects, and its arrays, may both be read as.
_OBJECTS: Final = frozenset(("model", "dataclass", "typed-dict", "dict"))
_ARRAYS: Final = frozenset(("list", "tuple", "set", "frozenset"))


def doubling_union(plan: Any) -> list[str] | None:
    """The members of a union in `plan`, a core schema, that double the work; None where there is no such union."""
    nodes = list(nodes_below(plan))
    named = {node["ref"]: node for node in nodes if isinstance(node.get("ref"), str)}
    for node in nodes:
        if node.get("type") != "union":
            continue
        members = [choice[0] if isinstance(choice, tuple) else choice for choice in node["choices"]]
        for kinds in (_OBJECTS, _ARRAYS):
            found = [found for member in members if (found := _unwrapped(member, named)).get("type") in kinds]
            # Most unions have one such member, and need no search.
            if len(found) > 1:
                back = [member for member in found if any(inner is node for inner in nodes_below(member, named))]
                if len(back) > 1:
                    return [_name(member) for member in back]
    return None


def _unwrapped(node: Node, named: Mapping[str, Node]) -> Node:
    """What a default, a validator or a reference stands around."""
    while node.get("type") not in _OBJECTS | _ARRAYS:
        inner: Any = named.get(node.get("schema_ref", ""))
        for key in ("schema", "lax_schema", "json_schema"):
            inner = inner or node.get(key)
        if not isinstance(inner, dict):
            break
        node = inner
    return node


def _name(node: Node) -> str:
    return getattr(node.get("cls"), "__name__", None) or str(node["type"])
