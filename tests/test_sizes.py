"""Small modules and functions: the list of files is the table of contents."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "waypost"
FILE_LINES = 400
FUNCTION_LINES = 60

# name → reason
LARGER: dict[str, str] = {}


def test_files_and_functions_stay_small() -> None:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if "template" in path.parts or name in LARGER:
            continue
        text = path.read_text()
        lines = text.count("\n")
        if lines > FILE_LINES:
            found.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES and f"{name}:{node.name}" not in LARGER:
                    found.append(f"{name}:{node.name}: {length} lines")
    assert found == []


def test_no_drawer_modules() -> None:
    drawers = {"utils", "helpers", "common", "base", "core", "util", "misc"}
    assert [p for p in ROOT.rglob("*.py") if p.stem in drawers or drawers & set(p.relative_to(ROOT).parts)] == []
