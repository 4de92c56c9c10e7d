"""The store that the settings name."""

from __future__ import annotations

from waypost.cache.memory_store import MemoryStore
from waypost.cache.store import Store
from waypost.config import Config


def open_store(config: Config, build_id: str) -> Store:
    """Make the store for one build; its entries are never seen by another build.

    build_id: letters, digits, `-` and `_`. Nothing is opened before `Store.open`. Raises StartupError for a store
    whose package is not installed.
    """
    return MemoryStore(config.cache_max_memory, config.cache_max_tags)
