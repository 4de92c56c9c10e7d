"""An OpenAPI document → one Python file on httpx2, with a client for plain functions and one for async ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from waypost.clients.python_types import PythonTypes, class_name, docstring, identifier, union, written
from waypost.clients.tree import EVENTS, JSON, VERBS, Argument, Call, Node, Schema, read_tree, schemas_of

#: Where runtime.py is cut: its imports, the code, and the clients, which stand below the classes of the paths.
_CODE: Final = "# -- what follows is copied\n"
_CLIENTS: Final = "# -- what follows stands below the classes of the paths\n"

_IMPORTS: Final = """\
from __future__ import annotations

import datetime
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal, NotRequired, TypeAlias, TypedDict, overload
from urllib.parse import quote

import httpx2
"""
_TAKEN: Final = (
    "Any", "ApiError", "ApiIssue", "AsyncClient", "AsyncIterator", "BASE_URL", "Client", "IO", "Iterable", "Iterator",
    "Literal", "Mapping", "NotRequired", "Segment", "ServerEvent", "TRAILING_SLASH", "TypeAlias", "TypedDict",
    "FormFile", "bool", "bytes", "dataclass", "datetime", "dict", "float", "httpx2", "int", "json", "list", "quote",
    "str", "tuple",
)  # fmt: skip
_PRIVATE: Final = re.compile(r"^(?:class|def) (_\w+)", re.MULTILINE)
_ARGUMENTS: Final = ("self", "body", "form", "raw", "headers", "timeout")


def write_python(document: Mapping[str, Any], command: str = "waypost client --python") -> str:
    """The text of the client. command: what the file says makes it anew."""
    info = document["info"]
    server = document.get("servers", [{"url": ""}])[0]["url"].rstrip("/")
    slash = any(path != "/" and path.endswith("/") for path in document["paths"])
    runtime = files("waypost.clients").joinpath("python_runtime.py").read_text(encoding="utf-8")
    code, _, clients = runtime.partition(_CODE)[2].partition(_CLIENTS)
    title = " ".join(f"{info['title']} {info['version']}".split()).replace("\\", "").replace('"', "'")
    tree = read_tree(document)
    names = _class_names(tree, set(_PRIVATE.findall(runtime)))
    writer = _Writer(PythonTypes(schemas_of(document), _TAKEN), names)
    nodes = [*writer.node(tree, asynchronous=False), *writer.node(tree, asynchronous=True)]
    parts = [
        f'"""Client of {title}, made by `{command}`: run it again instead of changing this file."""\n',
        f"# ruff: noqa\n# fmt: off\n\n{_IMPORTS}",
        f"BASE_URL = {json.dumps(server)}\nTRAILING_SLASH = {slash}\n",
        *writer.types.definitions,
        code.partition("class _Root:")[0].strip(),
        *nodes,
        clients.strip(),
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


class _Writer:
    """Writes the classes of the nodes. A class comes before the one that speaks of it only in annotations.

    names: of the nodes, by id().
    """

    def __init__(self, types: PythonTypes, names: Mapping[int, str]) -> None:
        self.types = types
        self._names = names
        self._hints: dict[tuple[str, str], str] = {}

    def node(self, node: Node, *, asynchronous: bool) -> Iterator[str]:
        """The class of a node and of all below it; the root becomes the attributes of the client."""
        prefix = "Async" if asynchronous else ""
        lines: list[str] = []
        names: set[str] = set()
        for name, child in sorted(node.children.items()):
            attribute = identifier(name)
            while attribute in VERBS or attribute in names or (not node.path and attribute == "close"):
                attribute += "_"
            names.add(attribute)
            lines += ["    @property", f"    def {attribute}(self) -> {self._class(child, prefix)}:"]
            lines.append(f"        return {self._class(child, prefix)}(self._sender, (*self._path, {written(name)}))\n")
        for call in node.calls.values():
            lines += [*self._method(call, node, asynchronous), ""]
        lines += self._steps(node, prefix)
        sender = "_Async" if asynchronous else "_Sync"
        head = [
            f"class {self._class(node, prefix)}:",
            f"    def __init__(self, sender: {sender}, path: tuple[Segment, ...]) -> None:",
            "        self._sender = sender\n        self._path = path\n",
        ]
        if not node.path:
            head = [f"class _{prefix}Root:", f"    _sender: {sender}", "    _path: tuple[Segment, ...] = ()\n"]
        yield "\n".join([*head, *lines]).rstrip() + "\n"
        for child in node.below():
            yield from self.node(child, asynchronous=asynchronous)

    def _steps(self, node: Node, prefix: str) -> list[str]:
        """`[id]` and `[...path]`: calls."""
        steps: list[tuple[str, str, str, str]] = []
        for child, several in ((node.one, False), (node.rest, True)):
            if child is None:
                continue
            assert child.segment is not None
            name = identifier(child.segment.name)
            kind = "list[Segment]" if several else self._segment(child.segment)
            steps.append((name, kind, self._class(child, prefix), f"(*self._path, {'*' if several else ''}{name})"))
        if not steps:
            return []
        if len(steps) == 1:
            ((name, kind, made, path),) = steps
            return [
                f"    def __call__(self, {name}: {kind}) -> {made}:",
                f"        return {made}(self._sender, {path})",
            ]
        one, rest = steps
        return [
            *(f"    @overload\n    def __call__(self, part: {kind}, /) -> {made}: ..." for _, kind, made, _ in steps),
            f"    def __call__(self, part: Any, /) -> {one[2]} | {rest[2]}:",
            "        if isinstance(part, list):",
            f"            return {rest[2]}(self._sender, (*self._path, *part))",
            f"        return {one[2]}(self._sender, (*self._path, part))",
        ]

    def _segment(self, argument: Argument) -> str:
        kind = self.types.of(argument.schema, argument.name)
        return kind if kind in ("int", "float", "bool") or kind.startswith("Literal") else "Segment"

    def _method(self, call: Call, node: Node, asynchronous: bool) -> list[str]:
        place = self._names[id(node)] + call.verb.capitalize()
        arguments, given = self._arguments(call, place)
        streams = set(call.good.get("200", {})) == {EVENTS}
        result = (
            ("AsyncIterator[ServerEvent]" if asynchronous else "Iterator[ServerEvent]")
            if streams
            else union(self._data(content, place, status) for status, content in sorted(call.good.items()))
        )
        word = "" if streams or not asynchronous else "async "
        wait = "await " if word else ""
        send = "events" if streams else "send"
        sent = ", ".join([json.dumps(call.verb.upper()), "self._path", *given, "headers=headers", "timeout=timeout"])
        body = f"self._sender.{send}({sent})"
        listed = ", ".join(
            ["self", "*", *arguments, "headers: Mapping[str, str] | None = None", "timeout: float | None = None"]
        )
        lines = [f"    {word}def {call.verb}({listed}) -> {result}:", *docstring(call.summary, "        ")]
        if result in ("Any", "None") or streams:
            return [*lines, f"        {'return ' if result != 'None' else ''}{wait}{body}"]
        return [*lines, f"        answer: {result} = {wait}{body}", "        return answer"]

    def _arguments(self, call: Call, place: str) -> tuple[list[str], list[str]]:
        """The parameters of a method, and how they are handed on."""
        required: list[str] = []
        optional: list[str] = []
        given: list[str] = []
        names: set[str] = set(_ARGUMENTS)
        for word, arguments in (("query", call.query), ("fields", call.headers)):
            pairs: list[str] = []
            for argument in arguments:
                name = identifier(argument.name)
                while name in names:
                    name += "_"
                names.add(name)
                kind = self._once(place, argument.name, argument.schema)
                pairs.append(f"{written(argument.name)}: {name}")
                if argument.required:
                    required.append(f"{name}: {kind}")
                else:
                    optional.append(f"{name}: {union([kind, 'None'])} = None")
            if pairs:
                given.append(f"{word}={{{', '.join(pairs)}}}")
        choices = list(self._bodies(call, place))
        for name, kind in choices:
            if len(choices) == 1 and call.body_required:
                required.append(f"{name}: {kind}")
                given.append(f"{name}={name}")
            else:
                optional.append(f"{name}: {union([kind, 'None'])} = None")
                given.append(f"{name}={name}" if name != "body" else "body=... if body is None else body")
        return [*required, *optional], given

    def _bodies(self, call: Call, place: str) -> Iterator[tuple[str, str]]:
        if call.body is not None:
            yield "body", self._once(place, "body", call.body)
        if call.form is not None:
            form = self._once(place, "form", call.form)
            yield "form", form if form != "Any" else "Mapping[str, Any]"
        if call.raw:
            yield "raw", "bytes | str"

    def _data(self, content: Mapping[str, Schema], place: str, status: str) -> str:
        if not content:
            return "None"
        return union(self._media(kind, schema, place, status) for kind, schema in content.items())

    def _media(self, kind: str, schema: Schema, place: str, status: str) -> str:
        if kind == JSON or kind.endswith("+json"):
            return self._once(place, status, schema)
        if kind.startswith("text/"):
            return "str"
        return "Any" if "*" in kind else "bytes"

    def _once(self, place: str, part: str, schema: Schema) -> str:
        """The annotation of a schema; both clients share what had to be defined for it."""
        key = (place, part)
        if key not in self._hints:
            self._hints[key] = self.types.of(schema, f"{place}_{part}")
        return self._hints[key]

    def _class(self, node: Node, prefix: str) -> str:
        return f"_{prefix}{self._names[id(node)]}"


def _class_names(tree: Node, taken: set[str]) -> dict[int, str]:
    """What each node is called, by its id(): `/user/posts` and `/user-posts` are two classes.

    taken: names of classes that the file has besides.
    """
    found = {id(tree): ""}
    todo = list(tree.below())
    while todo:
        node = todo.pop(0)
        name = class_name(*node.path)
        while not taken.isdisjoint((f"_{name}", f"_Async{name}")):
            name += "_"
        taken |= {f"_{name}", f"_Async{name}"}
        found[id(node)] = name
        todo += node.below()
    return found
