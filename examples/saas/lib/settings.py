"""What the environment says, read once when the program starts.

Production is the rule. Only `.env.development` (`waypost dev`) and `.env.test` say otherwise, so that a deployment
that forgets to say what it is, is the careful kind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from waypost import StartupError

ROOT = Path(__file__).parent.parent
# Uploads, and what SQLite keeps, unless the variables below name servers.
DATA = Path(os.environ.get("DATA_DIR") or ROOT / "data")
ENVIRONMENT = os.environ.get("APP_ENV") or "production"

# Where rate limits are counted: redis://… for many machines.
RATELIMIT_URL = os.environ.get("WAYPOST_RATELIMIT_URL") or f"sqlite:{DATA / 'limits.db'}"

SHORTEST_SECRET = 16


def secrets_of(name: str) -> list[str]:
    """The secrets in a variable: one, or several with commas while one takes the place of another.

    In development a missing one is made, and kept in DATA so that every worker has the same. Anywhere else the program
    does not start without it.
    """
    found = [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]
    if not found and ENVIRONMENT == "development":
        return [_made(name)]
    if not found:
        raise StartupError(f"{name} is not set", remedy="Set it in the environment or in .env.production.local.")
    if any(len(item) < SHORTEST_SECRET for item in found):
        raise StartupError(f"{name} is shorter than {SHORTEST_SECRET} characters, so it can be guessed")
    return found


def _made(name: str) -> str:
    """The secret of this checkout; of many workers that make one at the same moment, the first one's counts."""
    file = DATA / f"{name.lower()}.secret"
    if not file.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        mine = DATA / f".{secrets.token_hex(8)}"
        mine.touch(mode=0o600)
        mine.write_text(f"development-{secrets.token_urlsafe(32)}")
        with contextlib.suppress(FileExistsError):
            os.link(mine, file)
        mine.unlink()
    return file.read_text()
