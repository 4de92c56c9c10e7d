"""Where the top-level names of a Python file are bound: lines for error reports.

The file is parsed only when there is something to report, never on the way to a healthy start.
"""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

BindingKind: TypeAlias = Literal["def", "class", "assignment", "import"]


@dataclass(frozen=True, slots=True)
class Binding:
    """The last statement that binds a name. line counts from 1; for a decorated function that of its `def`."""

    kind: BindingKind
    line: int


class Source:
    """The bindings of one file, read when first asked for."""

    __slots__ = ("_bindings", "file")

    def __init__(self, file: Path) -> None:
        self.file = file
        self._bindings: dict[str, Binding] | None = None

    def binding(self, name: str) -> Binding | None:
        """The binding of `name`; None when the file does not spell it out (`import *`, `globals()`)."""
        if self._bindings is None:
            try:
                with tokenize.open(self.file) as lines:
                    tree = ast.parse(lines.read())
            except (OSError, SyntaxError, ValueError):
                self._bindings = {}
            else:
                self._bindings = dict(_bindings(tree.body))
        return self._bindings.get(name)

    def line(self, name: str) -> int | None:
        """The line on which `name` is bound, if it can be found."""
        found = self.binding(name)
        return found.line if found else None

    def defines(self, name: str) -> bool:
        """Say whether `name` is written in this file and not only imported into it."""
        found = self.binding(name)
        return found is not None and found.kind != "import"


def _bindings(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, Binding]]:
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, Binding("def", node.lineno)
        elif isinstance(node, ast.ClassDef):
            yield node.name, Binding("class", node.lineno)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], Binding("import", node.lineno)
        else:
            for name in _assigned(node):
                yield name, Binding("assignment", node.lineno)
            for block in ("body", "handlers", "orelse", "finalbody"):
                for child in getattr(node, block, ()):
                    yield from _bindings(child.body if isinstance(child, ast.ExceptHandler) else [child])


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [node.target]
    else:
        return
    for target in targets:
        for child in ast.walk(target):
            if isinstance(child, ast.Name):
                yield child.id
