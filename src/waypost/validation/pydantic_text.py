"""What text can stand for, from pydantic's own plan of a schema: a validator may make an object of a text.

See waypost.validation.text_shape, which says the same of annotations alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OBJECTS: Final = ("dataclass", "typed-dict", "dict", "call", "arguments", "callable", "is-subclass")
_SEVERAL: Final = ("list", "tuple", "set", "frozenset", "generator")
_AROUND: Final = ("nullable", "default", "function-after", "definitions", "custom-error")
_FIELDS: Final = ("model-fields", "dataclass-args", "typed-dict")


def takes_text(plan: Any, *, many: bool) -> bool:
    """Whether some text may be a value of a core schema; with `many`, or a list of texts."""
    return _takes_text(plan, many, _named(plan))


def fields_beyond_text(plan: Any) -> list[str]:
    """The fields of an object that neither a text nor a list of texts can be; none where a validator reads the whole.

    plan: the core schema of the object.
    """
    named = _named(plan)
    node = plan
    while node["type"] in (*_AROUND, "model", "dataclass", "definition-ref"):
        node = _inner(node, named)
    if node["type"] not in _FIELDS:
        return []
    fields = node["fields"]
    items = fields.items() if isinstance(fields, dict) else [(field["name"], field) for field in fields]
    return [name for name, field in items if not _takes_text(field["schema"], True, named)]


def holds_code(plan: Any) -> bool:
    """Whether a function or a class is asked for, which no request can hold. Models may: as a field with a default."""
    named = _named(plan)
    todo = [plan]
    while todo:
        node = todo.pop()
        if node["type"] in ("callable", "is-subclass"):
            return True
        if node["type"] in (*_AROUND, "definition-ref"):
            todo.append(_inner(node, named))
        elif node["type"] in (*_SEVERAL, "union", "dict"):
            todo += [*_items(node), *_choices(node), *([node["values_schema"]] if "values_schema" in node else [])]
    return False


def _named(plan: Any) -> dict[str, Any]:
    """The nodes that others refer to: pydantic puts them outermost."""
    return {node["ref"]: node for node in plan.get("definitions", ())}


def _takes_text(node: Any, many: bool, named: Mapping[str, Any]) -> bool:
    kind = node["type"]
    if kind in (*_AROUND, "definition-ref", "model-field") or (kind == "model" and node.get("root_model")):
        return _takes_text(_inner(node, named), many, named)
    if kind in ("union", "tagged-union"):
        return any(_takes_text(choice, many, named) for choice in _choices(node))
    if kind in _SEVERAL:
        return many and all(_takes_text(item, False, named) for item in _items(node))
    if kind in ("lax-or-strict", "json-or-python"):
        return _takes_text(node.get("lax_schema") or node["python_schema"], many, named)
    return kind != "model" and kind not in _OBJECTS


def _inner(node: Any, named: Mapping[str, Any]) -> Any:
    return named[node["schema_ref"]] if node["type"] == "definition-ref" else node["schema"]


def _items(node: Any) -> list[Any]:
    items = node.get("items_schema", [])
    return items if isinstance(items, list) else [items]


def _choices(node: Any) -> list[Any]:
    choices = node.get("choices", [])
    if isinstance(choices, dict):
        choices = list(choices.values())
    return [choice[0] if isinstance(choice, tuple) else choice for choice in choices]
