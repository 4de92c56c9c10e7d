"""An OpenAPI document → one TypeScript file without dependencies.

The types are a tree of the paths, the code below them (runtime.ts) is the same for every application: a name that is
used becomes a part of the path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any, Final

from waypost.clients.tree import EVENTS, JSON, VERBS, Argument, Call, Node, Schema, read_tree, schemas_of
from waypost.clients.typescript_types import comment, key, type_name, type_of, union
from waypost.validation.json_schema import rebuilt, schemas_in

#: Names that runtime.ts gives a meaning of their own; a folder of such a name is written with a $ in front.
RESERVED: Final = frozenset((*VERBS, "then"))
_OURS: Final = frozenset((
    "ApiError", "ApiIssue", "Call", "Client", "ClientOptions", "RequestOptions", "Result", "Segment", "ServerEvent",
    # What the code uses of the Web and the language: a type of such a name would hide it.
    "Any", "Array", "AsyncGenerator", "AsyncIterable", "Blob", "BodyInit", "Date", "Error", "FormData", "Headers",
    "HeadersInit", "Object", "Omit", "Options", "Promise", "Proxy", "ReadableStream", "Record", "Request",
    "RequestCredentials", "RequestInit", "Response", "Set", "Status",
    "String", "TextDecoder", "TypeError", "URLSearchParams", "Uint8Array",
))  # fmt: skip


def write_typescript(document: Mapping[str, Any], command: str = "waypost client --ts") -> str:
    """The text of the client. command: what the file says makes it anew."""
    info = document["info"]
    server = document.get("servers", [{"url": ""}])[0]["url"].rstrip("/")
    slash = any(path != "/" and path.endswith("/") for path in document["paths"])
    parts = [
        f"// Client of {_line(info['title'])} {_line(info['version'])}, made by `{_line(command)}`: run it again"
        " instead of changing this file.\n/* eslint-disable */\n",
        "\n".join(_named(name, schema) for name, schema in schemas_of(document).items()),
        "/** The paths of the application: a folder is a property, `[id]` a call, a method a method. */\n"
        f"export interface Client {_node(read_tree(document), '')}\n",
        f"const BASE_URL = {json.dumps(server)};\nconst TRAILING_SLASH = {json.dumps(slash)};\n",
        files("waypost.clients").joinpath("runtime.ts").read_text(encoding="utf-8"),
    ]
    return "\n".join(part for part in parts if part)


def _line(text: str) -> str:
    return " ".join(text.split())


def _named(name: str, schema: Schema) -> str:
    described = schema if isinstance(schema, dict) else {}
    lines = comment(described.get("description", ""), "")
    return "\n".join([*lines, f"export type {named_type(name)} = {_typed(schema)};\n"])


def named_type(name: str) -> str:
    """The type of a named schema; one of ours keeps its own name."""
    name = type_name(name)
    return f"{name}_" if name in _OURS else name


def _typed(schema: Schema, indent: str = "") -> str:
    return type_of(rebuilt(schema, _renamed), indent)


def _renamed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose reference, where it leads to a name of ours, is turned to the name it got."""
    if "$ref" in schema:
        schema["$ref"] = named_type(schema["$ref"].rpartition("/")[2])
    return schema


def _node(node: Node, indent: str) -> str:
    inner = indent + "  "
    lines: list[str] = []
    for call in node.calls.values():
        lines += comment(call.summary, inner, call.deprecated)
        lines.append(
            f"{inner}{call.verb}({_options(call, inner)}): Call<{_answers(call.good, inner)}, "
            f"{_answers(call.bad, inner)}>;"
        )
    for name, child in sorted(node.children.items()):
        written = f"${name}" if name in RESERVED or name.startswith("$") else name
        lines.append(f"{inner}readonly {key(written)}: {_node(child, inner)};")
    if node.one is not None:
        lines += _called(node.one, inner, several=False)
    if node.rest is not None:
        lines += _called(node.rest, inner, several=True)
    return "\n".join(["{", *lines, indent + "}"])


def _called(node: Node, indent: str, *, several: bool) -> list[str]:
    assert node.segment is not None
    name = "".join(char if char.isalnum() and char.isascii() else "_" for char in node.segment.name)
    kind = "readonly Segment[]" if several else _segment(node.segment)
    name = f"_{name}" if name[:1].isdigit() or name in ("default", "in", "new", "class", "function") else name
    return [*comment(node.segment.description, indent), f"{indent}({name}: {kind}): {_node(node, indent)};"]


def _segment(argument: Argument) -> str:
    """The type of one segment: a text may be made of any plain value, unless it has a format of its own.

    A Date is a moment: which day it is depends on where one stands, so a day is written as a text.
    """
    kind = _typed(argument.schema)
    if any(inner.get("format", "date-time") != "date-time" for inner in schemas_in(argument.schema)):
        return kind
    return kind if kind in ("number", "boolean") or kind.startswith('"') else "Segment"


def _options(call: Call, indent: str) -> str:
    """The one argument of a method."""
    inner = indent + "  "
    fields = [
        *_arguments("query", call.query, inner),
        *_arguments("headers", call.headers, inner),
        *_body(call, inner),
    ]
    if not fields:
        return "options?: RequestOptions"
    optional = all(field.partition(":")[0].endswith("?") for field in fields)
    text = "; ".join(fields)
    return f"options{'?' if optional else ''}: {{ {text} }} & RequestOptions"


def _arguments(place: str, arguments: Iterable[Argument], indent: str) -> list[str]:
    named = list(arguments)
    if not named:
        return []
    optional = "" if any(argument.required for argument in named) else "?"
    fields = "; ".join(
        f"{key(argument.name)}{'' if argument.required else '?'}: {_typed(argument.schema, indent)}"
        for argument in named
    )
    return [f"{place}{optional}: {{ {fields} }}"]


def _body(call: Call, indent: str) -> list[str]:
    choices: list[str] = []
    if call.body is not None:
        choices.append(f"body: {_typed(call.body, indent)}")
    if call.form is not None:
        form = _typed(call.form, indent)
        choices.append(f"form: FormData | {form if form != 'unknown' else 'Record<string, unknown>'}")
    if call.raw:
        choices.append("raw: BodyInit")
    if len(choices) == 1 and call.body_required:
        return choices
    return [choice.replace(":", "?:", 1) for choice in choices]


def _answers(responses: Mapping[str, Mapping[str, Schema]], indent: str) -> str:
    """Status → type of the data."""
    listed = "; ".join(f"{status}: {_data(content, indent)}" for status, content in sorted(responses.items()))
    return f"{{ {listed} }}" if listed else "{}"


def _data(content: Mapping[str, Schema], indent: str) -> str:
    if not content:
        return "undefined"
    return union(_media(kind, schema, indent) for kind, schema in content.items())


def _media(kind: str, schema: Schema, indent: str) -> str:
    if kind == JSON or kind.endswith("+json"):
        return _typed(schema, indent)
    if kind == EVENTS:
        return "AsyncIterable<ServerEvent>"
    if kind.startswith("text/"):
        return "string"
    return "unknown" if "*" in kind else "Blob"
