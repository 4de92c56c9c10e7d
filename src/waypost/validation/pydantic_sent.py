"""What pydantic sends of a model, as a plan that reads it: a model is read by other names than it is written with.

A core schema says of each field both names, what writes it and what stays behind. Turned round, it holds a payload
against what the description of the API says of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from waypost.validation.pydantic_plan import ASIDE, BY_NAME, Node, nodes_below

_ANY: Final[Node] = {"type": "any"}
_FIELDS: Final = ("model-fields", "typed-dict", "dataclass-args")
_MODELS: Final = ("model", "dataclass")
# Prepares what a client sends; what is sent to one has that form already.
_PREPARING: Final = ("function-before", "function-wrap")


def sent_plan(plan: Any) -> Any:
    """The core schema of what is sent of `plan`, a core schema of what is read.

    Fields have the names that they are written with, computed ones stand beside them, excluded ones are not asked for,
    and a value that a function of the project's writes is what this function says it returns. Whatever else there is,
    is passed over.
    """
    written: dict[str, set[str]] = defaultdict(set)
    for field in _fields_in(plan):
        for name in _read_names(field[1], field[0]):
            written[name].add(field[1].get("serialization_alias") or field[0])
    return _turned(plan, written)


def _turned(item: Any, written: Mapping[str, set[str]]) -> Any:
    if isinstance(item, list):
        return [_turned(each, written) for each in item]
    if isinstance(item, tuple):
        return tuple(_turned(each, written) for each in item)
    if not isinstance(item, dict):
        return item
    kind = item.get("type")
    replaced = _replacement(item, kind)
    if replaced is not None:
        plan = _turned(replaced, written)
        # Others may refer to it by name.
        return {**plan, "ref": item["ref"]} if "ref" in item else plan
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key in BY_NAME and isinstance(value, dict):
            found[key] = {name: _turned(each, written) for name, each in value.items()}
        else:
            found[key] = value if key in ASIDE else _turned(value, written)
    if kind == "default":
        # No function of the project's need make a value for what is missing.
        found = {**_may_lack(found["schema"]), **({"ref": item["ref"]} if "ref" in item else {})}
    elif kind in _FIELDS:
        found = _fields(found, item, written)
    elif kind in _MODELS:
        # A class without anything: pydantic would take the model's own reading where it finds the model's class.
        found = {**found, "cls": type(item["cls"].__name__, (), {}), "config": _config(found)}
        for key in ("custom_init", "post_init", "slots", "generic_origin"):
            found.pop(key, None)
    elif kind == "tagged-union" and not callable(item["discriminator"]):
        found["discriminator"] = _tags(item["discriminator"], written)
    return found


def _replacement(item: Node, kind: Any) -> Any:
    """What is read in the place of a node; None for one that is read itself."""
    writes = item.get("serialization")
    if isinstance(writes, dict):
        if "return_schema" in writes:
            return _unless_none(writes, writes["return_schema"])
        if writes["type"] in ("to-string", "format"):
            return _unless_none(writes, {"type": "str"})
        if writes["type"] in ("function-plain", "function-wrap") and not _is_pydantics(writes["function"]):
            return _ANY  # it does not say
    if kind in _PREPARING or (kind == "function-after" and _needs_model(item)):
        return item["schema"]
    if kind == "json":
        return item.get("schema", _ANY)  # a text of JSON is read, and what it says is sent
    return _ANY if kind == "function-plain" and not isinstance(writes, dict) else None


def _unless_none(writes: Node, plan: Any) -> Any:
    skips_none = writes.get("when_used") in ("unless-none", "json-unless-none")
    return {"type": "nullable", "schema": plan} if skips_none else plan


def _is_pydantics(function: Any) -> bool:
    # Those of addresses, paths and URLs write what is read again.
    return str(getattr(function, "__module__", "")).startswith("pydantic")


def _tags(discriminator: Any, written: Mapping[str, set[str]]) -> list[list[Any]]:
    """Where the tag of a union stands: pydantic has one name for it, or paths of which any one will do."""
    paths = [[discriminator]] if isinstance(discriminator, str) else [list(path) for path in discriminator]
    others = {name for path in paths if len(path) == 1 for name in written.get(path[0], ())}
    return [[name] for name in sorted(others)] + paths


def _needs_model(node: Node) -> bool:
    """Whether a rule is given a model, or asks for a field's neighbours: it may want what is not sent."""
    return node["function"]["type"] == "with-info" or any(
        each.get("type") in (*_MODELS, *_FIELDS, "definition-ref") for each in nodes_below(node["schema"])
    )


def _may_lack(plan: Any) -> dict[str, Any]:
    return {"type": "default", "schema": plan, "default": None, "validate_default": False}


def _fields(found: dict[str, Any], item: Node, written: Mapping[str, set[str]]) -> dict[str, Any]:
    """The fields by the names that they are written with, and the computed ones."""
    listed = isinstance(found["fields"], list)
    pairs = [(field["name"], field) for field in found["fields"]] if listed else list(found["fields"].items())
    fields: dict[str, Any] = {}
    for name, field in pairs:
        alias = field.get("serialization_alias") or name
        excluded = field.get("serialization_exclude")
        plan = _ANY if excluded else field["schema"]
        if excluded or field.get("serialization_exclude_if") is not None:
            plan = _may_lack(plan)
        fields[name] = {**field, "schema": plan, "validation_alias": alias}
    kind = {"model-fields": "model-field", "typed-dict": "typed-dict-field"}.get(item["type"])
    for computed in found.pop("computed_fields", None) or () if kind is not None else ():
        name = computed["property_name"]
        plan = _may_lack(_turned(computed["return_schema"], written))
        fields.setdefault(name, {"type": kind, "schema": plan, "validation_alias": computed.get("alias") or name})
    found["fields"] = list(fields.values()) if listed else fields
    if found.get("extra_behavior") == "forbid":
        found["extra_behavior"] = "ignore"
    return found | ({"config": _config(found)} if "config" in found else {})


def _config(found: Node) -> dict[str, Any]:
    """A config under which a field is read by its alias alone, and nothing is refused for being there."""
    config = {key: value for key, value in (found.get("config") or {}).items() if key != "populate_by_name"}
    config |= {"validate_by_name": False, "validate_by_alias": True}
    if config.get("extra_fields_behavior") == "forbid":
        config["extra_fields_behavior"] = "ignore"
    return config


def _fields_in(plan: Any) -> Iterator[tuple[str, Node]]:
    for node in nodes_below(plan):
        if node.get("type") in _FIELDS:
            fields = node["fields"]
            yield from fields.items() if isinstance(fields, dict) else ((field["name"], field) for field in fields)


def _read_names(field: Node, name: str) -> Iterator[str]:
    yield name
    alias = field.get("validation_alias")
    if isinstance(alias, str):
        yield alias
