"""The store that the settings name."""

from __future__ import annotations

import re
from typing import Final

from waypost.cache.store import Store
from waypost.config import Config

_BUILD_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


def open_store(config: Config, build_id: str) -> Store:
    """Make the store for one build; its entries are never seen by another build.

    build_id: letters, digits, `-` and `_`; ValueError for anything else, as it names a folder. Nothing is opened
    before `Store.open`. Raises StartupError for a store whose package is not installed.
    """
    if not _BUILD_ID.fullmatch(build_id):
        raise ValueError(f"{build_id!r} is no build id")
    if config.cache_url == "memory:":
        from waypost.cache.memory_store import MemoryStore

        return MemoryStore(config.cache_max_memory, config.cache_max_tags)
    from waypost.cache.layered import LayeredStore
    from waypost.cache.sqlite_store import SQLiteStore

    folder = config.root / ".waypost" / "cache" / build_id
    shared = SQLiteStore(
        folder, max_size=config.cache_max_size, max_tags=config.cache_max_tags, timeout=config.cache_timeout
    )
    return LayeredStore(shared, config.cache_max_memory)
