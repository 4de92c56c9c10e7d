"""What every test stands on: an import system without an open project."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from waypost.routing.importing import ProjectFinder, forget_project_modules

# These start servers, browsers, package managers or type checkers, wait for clocks and other processes, or try things
# at random, many minutes in all: once is enough. Folders and files.
SLOW = (
    "ai", "app/test_agreement.py", "browser", "cache", "cli", "clients", "conformance", "docs",
    "openapi/test_hypothetical.py", "ratelimit", "server/test_faults.py", "server/test_fuzz.py",
    "server/test_websocket_fuzz.py", "server/test_workers.py", "test_asgi_websocket.py", "test_bad_files.py",
    "test_example_bodies.py", "test_examples.py", "test_fuzz_targets.py", "test_header_lint.py", "typing",
)  # fmt: skip


# The longest files, for a run in several processes that hands them out whole and in this order: none is to begin last.
LONGEST = (
    "docs/test_docs.py", "test_examples.py", "cache/test_processes.py", "openapi/test_hypothetical.py",
    "typing/test_checkers.py", "conformance/test_conformance.py", "test_example_bodies.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is left out on the second and third Python version; put the longest files first."""
    here = Path(__file__).parent
    slow = {here / name for name in SLOW}
    for item in items:
        if not slow.isdisjoint((item.path, *item.path.parents)):
            item.add_marker(pytest.mark.slow)
    rank = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@contextmanager
def _own_imports() -> Iterator[None]:
    """Leave the import system as it was: no project stays open, and the samples get no __pycache__."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(sys, "meta_path", list(sys.meta_path))
        before = list(sys.meta_path)
        yield
        for finder in sys.meta_path:
            if isinstance(finder, ProjectFinder) and finder not in before:
                forget_project_modules(finder.app_dir.parent)
        importlib.invalidate_caches()


@pytest.fixture(autouse=True)
def isolated_imports() -> Iterator[None]:
    with _own_imports():
        yield


@pytest.fixture(autouse=True, scope="module")
def isolated_imports_of_modules() -> Iterator[None]:
    """For applications that the tests of a module share: without it theirs would answer for `app` ever after."""
    with _own_imports():
        yield
