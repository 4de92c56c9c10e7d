"""The nodes of pydantic's core schemas, told apart from names and values of the project's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]

#: What holds no node, or nothing that a value is read by.
ASIDE: Final = frozenset(("metadata", "serialization", "default", "cls"))
#: Keyed by names and tags of the project's, any of which may be called as something that a node has.
BY_NAME: Final = frozenset(("fields", "choices"))


def nodes_below(start: Any, named: Mapping[str, Node] = MappingProxyType({})) -> Iterator[Node]:
    """The node and all in it, each once, those that it refers to included. named: nodes by what references say."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        item = todo.pop()
        if isinstance(item, list | tuple):
            todo += item
        elif isinstance(item, dict) and id(item) not in seen:
            seen.add(id(item))
            yield item
            for key, value in item.items():
                if key in BY_NAME and isinstance(value, dict):
                    todo += value.values()
                elif key not in ASIDE:
                    todo.append(value)
            if item.get("type") == "definition-ref" and item["schema_ref"] in named:
                todo.append(named[item["schema_ref"]])
