"""`python -O` leaves assert statements out: none of them may decide or do anything."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "waypost"
HARMLESS = ("isinstance", "callable")


def working_asserts(source: str) -> list[int]:
    """The lines of asserts that call, await or assign; to say what is known to be true takes none of it."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            for part in ast.walk(node.test):
                calls = isinstance(part, ast.Call) and getattr(part.func, "id", "") not in HARMLESS
                if calls or isinstance(part, ast.Await | ast.NamedExpr | ast.Yield):
                    lines.append(node.lineno)
    return lines


def test_no_assert_does_anything() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted(ROOT.rglob("*.py"))
        if "template" not in path.parts and (lines := working_asserts(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source", ["assert f()", "assert (x := 1)", "async def f():\n    assert await g", "assert a.b()"]
)
def test_one_that_does_is_found(source: str) -> None:
    assert working_asserts(source)
    assert not working_asserts("assert isinstance(x, str) and x is not None")
