"""Another service, asked at an address that only the settings choose."""

from __future__ import annotations

import os
from typing import Any

from waypost.cache import fetch

EXTERNAL_API_URL = os.environ.get("EXTERNAL_API_URL") or "http://127.0.0.1:9/"


class ExternalError(Exception):
    """It did not answer with 200."""


async def fetch_external_api() -> Any:
    response = await fetch(EXTERNAL_API_URL, timeout=5.0, redirect="error")
    if response.status != 200:
        raise ExternalError(f"{EXTERNAL_API_URL} answered {response.status}")
    return await response.json()
