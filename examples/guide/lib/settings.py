"""What the environment has to say. A secret that is missing stops the start; none has a default."""

from __future__ import annotations

import os
from pathlib import Path

from waypost import StartupError

PROJECT = Path(__file__).parent.parent
DATA = Path(os.environ.get("DATA_DIR") or PROJECT / "data")
DATA.mkdir(parents=True, exist_ok=True)


def secret(name: str) -> str:
    """The environment variable `name`, which has to be set."""
    value = os.environ.get(name, "")
    if len(value) < 16:
        raise StartupError(
            f"{name} is not set, or shorter than 16 characters",
            remedy=f"Set {name} in the environment; `waypost dev` has one in .env.development.",
        )
    return value
