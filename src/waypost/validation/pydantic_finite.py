"""Floats that are numbers: pydantic by itself reads `1e999`, "nan" and "inf" as a float, which no JSON has.

Infinity passes checks that are made for numbers, so a float takes it only where its author says
`allow_inf_nan=True`, at the field or in the configuration of the model.
"""

from __future__ import annotations

from typing import Any, Final

# What holds further nodes of a core schema. Others hold what is the user's, as a default or the members of a Literal.
_INNER: Final = (
    "schema", "fields", "items_schema", "keys_schema", "values_schema", "choices", "steps", "lax_schema",
    "strict_schema", "json_schema", "python_schema", "definitions", "extras_schema", "arguments_schema",
    "var_args_schema", "var_kwargs_schema",
)  # fmt: skip
_NAMED: Final = ("fields", "choices")  # these may be dicts of nodes


def finite(plan: Any, *, allowed: bool = False) -> Any:
    """A core schema whose floats are finite; the very same where it has no other floats.

    allowed: whether the configuration around it allows infinity.
    """
    if isinstance(plan, list | tuple):
        items = [finite(item, allowed=allowed) for item in plan]
        return plan if all(new is old for new, old in zip(items, plan, strict=True)) else type(plan)(items)
    if not isinstance(plan, dict):
        return plan
    if plan.get("type") == "float":
        return plan if allowed or "allow_inf_nan" in plan else {**plan, "allow_inf_nan": False}
    config = plan.get("config")
    if isinstance(config, dict):
        allowed = config.get("allow_inf_nan") is True  # it stands in the place of the one around it
    changed: dict[str, Any] = {}
    for key in _INNER:
        inner = plan.get(key)
        if key in _NAMED and isinstance(inner, dict):
            found: Any = {name: finite(node, allowed=allowed) for name, node in inner.items()}
            if all(found[name] is inner[name] for name in inner):
                continue
        else:
            found = finite(inner, allowed=allowed)
            if found is inner:
                continue
        changed[key] = found
    return {**plan, **changed} if changed else plan
