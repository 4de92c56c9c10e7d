"""Where the third-party test data is: in `shared` beside the checkout or further up, or where WAYPOST_SHARED points."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A busy machine is no failure: what must be fast has a test of its own with a bound of its own.
settings.register_profile("waypost", deadline=None)
settings.load_profile("waypost")

_ABOVE = [folder / "shared" for folder in Path(__file__).resolve().parents[3:]]
_BESIDE = next((folder for folder in _ABOVE if (folder / "corpora").is_dir()), _ABOVE[0])


@pytest.fixture
def corpora() -> Path:
    """The corpora folder; skips where it is missing."""
    folder = Path(os.environ.get("WAYPOST_SHARED", _BESIDE)) / "corpora"
    if not folder.is_dir():
        pytest.skip(f"no {folder}: put the corpora there, or set WAYPOST_SHARED to the folder that has them")
    return folder


@pytest.fixture
def corpus(corpora: Path) -> Callable[[str], Any]:
    """A function: name of a JSON file in the corpora folder → its content."""

    def load(name: str) -> Any:
        return json.loads((corpora / name).read_text("utf-8"))

    return load
