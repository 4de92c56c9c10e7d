"""Where the third-party test data is: beside the checkout, or where WAYPOST_SHARED points."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def corpus() -> Callable[[str], Any]:
    """A function: name of a JSON file in the corpora folder → its content; skips where the folder is missing."""

    def load(name: str) -> Any:
        folder = Path(os.environ.get("WAYPOST_SHARED", _BESIDE)) / "corpora"
        if not folder.is_dir():
            pytest.skip(f"no {folder}: put the corpora there, or set WAYPOST_SHARED to the folder that has them")
        return json.loads((folder / name).read_text("utf-8"))

    return load
