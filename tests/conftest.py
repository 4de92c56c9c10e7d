"""What every test stands on: an import system without an open project."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waypost.routing.importing import ProjectFinder, forget_project_modules

# These start servers, browsers, package managers or type checkers, or wait for clocks and other processes, minutes in
# all: once is enough.
SLOW = ("ai", "browser", "cache", "cli", "conformance", "docs", "test_examples.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is left out on the second and third Python version."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def isolated_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the import system as it was: no project stays open, and the samples get no __pycache__."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield
    for finder in sys.meta_path:
        if isinstance(finder, ProjectFinder):
            forget_project_modules(finder.app_dir.parent)
    importlib.invalidate_caches()
