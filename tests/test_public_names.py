"""What users import: every public name exists, is documented, and importing it stays cheap."""

from __future__ import annotations

import inspect
import subprocess
import sys

import waypost

HEAVY = {
    "ada_url", "click", "rich", "watchfiles", "multipart", "httpx2", "pydantic", "uvloop", "httptools",
    "waypost.asgi", "waypost.cli", "waypost.server", "waypost.testing",
}  # fmt: skip


def test_all_names_exist_and_say_what_they_are() -> None:
    for name in waypost.__all__:
        value = getattr(waypost, name)
        assert inspect.getdoc(value), name


def test_all_is_sorted_as_the_linter_sorts_and_without_repeats() -> None:
    assert len(set(waypost.__all__)) == len(waypost.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(waypost, "nothing_of_this_name")


def test_importing_waypost_loads_nothing_heavy() -> None:
    code = "import sys, waypost; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(output.split()) == set()
