from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from waypost.cli.traceback import render_traceback


def caught(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.fixture
def functions(tmp_path: Path) -> dict[str, Callable[[], object]]:
    """Functions that are written in `lib/code.py` of a project."""
    source = """\
import json

def in_a_library():
    return json.loads("{")

def caused():
    try:
        in_a_library()
    except ValueError as error:
        raise RuntimeError("no settings") from error

def hidden():
    try:
        in_a_library()
    except ValueError:
        raise RuntimeError("no settings") from None

def endless():
    return endless()

def grouped():
    raise ExceptionGroup("two", [KeyError("a"), ValueError("b")])

def noted():
    error = ValueError("x")
    error.add_note("see the manual")
    raise error

def own():
    raise KeyError("id")
"""
    file = tmp_path / "lib" / "code.py"
    file.parent.mkdir()
    file.write_text(source)
    namespace: dict[str, Callable[[], object]] = {}
    exec(compile(source, str(file), "exec"), namespace)
    return namespace


def test_the_lines_of_the_project_and_the_error(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    assert render_traceback(caught(functions["own"]), tmp_path).plain == (
        "  lib/code.py:30 in own\n    raise KeyError(\"id\")\nKeyError: 'id'\n"
    )


def test_a_library_is_named_and_not_shown(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    text = render_traceback(caught(functions["in_a_library"]), tmp_path).plain
    assert "lib/code.py:4 in in_a_library\n    return json.loads" in text
    assert "raised in decoder.py:" in text
    assert text.count("\n") == 4
    assert str(Path(json.__file__).parent) not in text


def test_a_cause_comes_first(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    text = render_traceback(caught(functions["caused"]), tmp_path).plain
    assert text.index("JSONDecodeError") < text.index("which led to") < text.index("RuntimeError: no settings")


def test_a_suppressed_cause_stays_away(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    assert "JSONDecodeError" not in render_traceback(caught(functions["hidden"]), tmp_path).plain


def test_an_endless_recursion_is_short(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    text = render_traceback(caught(functions["endless"]), tmp_path).plain
    assert text.count("in endless") == 2
    assert "RecursionError" in text


def test_the_errors_of_a_group(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    text = render_traceback(caught(functions["grouped"]), tmp_path).plain
    assert text.count("one of its errors") == 2
    assert "KeyError: 'a'" in text
    assert "ValueError: b" in text


def test_notes_and_syntax_errors(tmp_path: Path, functions: dict[str, Callable[[], object]]) -> None:
    assert "see the manual" in render_traceback(caught(functions["noted"]), tmp_path).plain
    broken = caught(lambda: compile("def f(:\n", str(tmp_path / "app.py"), "exec"))
    assert "def f(:" in render_traceback(broken, tmp_path).plain


def test_what_is_installed_inside_the_project_is_a_library(tmp_path: Path) -> None:
    namespace: dict[str, Callable[[], object]] = {}
    file = tmp_path / "venv" / "lib" / "site-packages" / "module.py"
    exec(compile("def f():\n    raise KeyError(1)\n", str(file), "exec"), namespace)
    assert "raised in module.py:2 in f" in render_traceback(caught(namespace["f"]), tmp_path).plain
