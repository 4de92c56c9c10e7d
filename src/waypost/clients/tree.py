"""An OpenAPI document → the tree of its paths, which is the shape of a client: a folder is an attribute.

Only what documents of `waypost.openapi` have is read; a reference anywhere but at a schema is followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Schema: TypeAlias = "dict[str, Any] | bool"

VERBS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
JSON: Final = "application/json"
ANYTHING: Final = "*/*"
EVENTS: Final = "text/event-stream"
FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
#: Marks a path parameter that takes several segments.
CATCH_ALL: Final = "x-waypost-catch-all"


@dataclass(frozen=True, slots=True)
class Argument:
    """One query parameter, header or segment. name: as it is sent."""

    name: str
    schema: Schema
    required: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation.

    body, form: schemas of what may be sent; None where the operation takes no such body. raw: it takes bytes as they
    are. responses: status, or "default" → media type → schema; no media type where there is no body.
    """

    verb: str
    path: str
    summary: str
    deprecated: bool
    query: tuple[Argument, ...]
    headers: tuple[Argument, ...]
    body: Schema | None
    form: Schema | None
    raw: bool
    body_required: bool
    responses: dict[str, dict[str, Schema]]

    @property
    def good(self) -> dict[str, dict[str, Schema]]:
        """The answers that are no errors; where none is declared, anything."""
        good = {status: content for status, content in self.responses.items() if status < "4"}
        return good or {"default": self.responses.get("default", {ANYTHING: True})}

    @property
    def bad(self) -> dict[str, dict[str, Schema]]:
        """The errors."""
        return {status: content for status, content in self.responses.items() if "4" <= status < "6"}


@dataclass(slots=True)
class Node:
    """One position of a path. one, rest: what follows a parameter, and a parameter of several segments."""

    segment: Argument | None = None
    path: tuple[str, ...] = ()
    children: dict[str, Node] = field(default_factory=dict[str, "Node"])
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    one: Node | None = None
    rest: Node | None = None

    def below(self) -> Iterator[Node]:
        """The nodes under this one."""
        yield from (self.children[name] for name in sorted(self.children))
        yield from (node for node in (self.one, self.rest) if node is not None)


def read_tree(document: Mapping[str, Any]) -> Node:
    """The tree of a document's paths."""
    from urllib.parse import unquote

    root = Node()
    for path, item in document.get("paths", {}).items():
        node = root
        arguments = _path_arguments(item, document)
        for part in path.strip("/").split("/"):
            if part.startswith("{") and part.endswith("}"):
                node = _parameter(node, part[1:-1], arguments.get(part[1:-1], {}))
            elif part:
                name = unquote(part)
                node = node.children.setdefault(name, Node(path=(*node.path, name)))
        for verb in VERBS:
            if verb in item and verb not in ("head", "options"):
                node.calls[verb] = _call(verb, path, item[verb], item, document)
    return root


def _parameter(node: Node, name: str, parameter: Mapping[str, Any]) -> Node:
    several = bool(parameter.get(CATCH_ALL))
    found = node.rest if several else node.one
    if found is None:
        segment = Argument(name, parameter.get("schema", {"type": "string"}), True, parameter.get("description", ""))
        found = Node(segment, (*node.path, name))
        if several:
            node.rest = found
        else:
            node.one = found
    return found


def _path_arguments(item: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for holder in (item, *(item[verb] for verb in VERBS if verb in item)):
        for given in holder.get("parameters", ()):
            parameter = resolved(given, document)
            if parameter["in"] == "path":
                found.setdefault(parameter["name"], parameter)
    return found


def _call(
    verb: str, path: str, operation: Mapping[str, Any], item: Mapping[str, Any], document: Mapping[str, Any]
) -> Call:
    parameters = [
        resolved(parameter, document) for parameter in (*item.get("parameters", ()), *operation.get("parameters", ()))
    ]
    body = resolved(operation.get("requestBody", {}), document)
    content: Mapping[str, Any] = body.get("content", {})
    # Any body is a JSON one too, and a form.
    content = {JSON: {}, FORMS[0]: {}, **content} if ANYTHING in content else content
    form = next((content[kind].get("schema", True) for kind in FORMS if kind in content), None)
    text = "\n\n".join(filter(None, (operation.get("summary", ""), operation.get("description", ""))))
    return Call(
        verb,
        path,
        text,
        bool(operation.get("deprecated")),
        tuple(_argument(parameter) for parameter in parameters if parameter["in"] == "query"),
        tuple(_argument(parameter) for parameter in parameters if parameter["in"] == "header"),
        content[JSON].get("schema", True) if JSON in content else None,
        form,
        any(kind != JSON and kind not in FORMS for kind in content),
        bool(body.get("required")),
        {
            status: _content(status, resolved(given, document).get("content", {}))
            for status, given in operation.get("responses", {}).items()
        },
    )


def _content(status: str, content: Mapping[str, Any]) -> dict[str, Schema]:
    """Media type → schema. An answer that is not declared may have any body, a status without content has none."""
    if status == "default" and not content:
        return {ANYTHING: True}
    return {kind: media.get("schema", True) for kind, media in content.items()}


def _argument(parameter: Mapping[str, Any]) -> Argument:
    return Argument(
        parameter["name"],
        parameter.get("schema", True),
        bool(parameter.get("required")),
        parameter.get("description", ""),
    )


def resolved(value: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """`value`, or what its `$ref` points to."""
    while "$ref" in value:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def schemas_of(document: Mapping[str, Any]) -> dict[str, Schema]:
    """The named schemas, by name."""
    named: dict[str, Schema] = document.get("components", {}).get("schemas", {})
    return dict(sorted(named.items()))
