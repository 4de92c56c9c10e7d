"""Tools that a model may call: a function of the server, one that the page runs, or one that a person must allow.

Knows no model; ai/agent.py gives them to pydantic-ai.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool; see `tool`."""

    execute: Callable[..., Any] | None
    description: str | None
    input_schema: Mapping[str, Any] | None
    needs_approval: bool


Tools: TypeAlias = "Mapping[str, Tool | Callable[..., Any]] | None"


def tool(
    execute: Callable[..., Any] | None = None,
    *,
    description: str | None = None,
    input_schema: Mapping[str, Any] | type | None = None,
    needs_approval: bool = False,
) -> Tool:
    """A tool for `stream_text(tools={"name": tool(...)})`; a plain function in its place is `tool(function)`.

    execute: an async or plain function; its annotations are the schema of its arguments, its docstring the
    description. Without it the page runs the tool (`onToolCall`, `addToolOutput`), and input_schema, a JSON schema or
    a pydantic model, says what it takes. needs_approval: the page asks its user before the function runs.
    Raises TypeError for a tool that could not be called.
    """
    if execute is None:
        if input_schema is None:
            raise TypeError("a tool without a function is run by the page: it needs an input_schema")
        if needs_approval:
            raise TypeError("a tool that the page runs asks there: needs_approval is for functions of the server")
    elif not callable(execute):
        raise TypeError(f"a tool is a function, not {type(execute).__name__}")
    elif input_schema is not None:
        raise TypeError("the annotations of the function are its schema: leave input_schema out")
    schema: Any = input_schema
    if isinstance(schema, type):
        make = getattr(schema, "model_json_schema", None)
        if make is None:
            raise TypeError("input_schema is a JSON schema or a pydantic model")
        schema = make()
    return Tool(execute, description, schema, needs_approval)


def as_tools(tools: Tools) -> dict[str, Tool]:
    """Every entry as a Tool."""
    return {name: item if isinstance(item, Tool) else tool(item) for name, item in (tools or {}).items()}
