"""The store that the settings name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from waypost.cache.names import digest
from waypost.cache.shared import SharedStore
from waypost.cache.store import Store
from waypost.config import Config
from waypost.errors import StartupError

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

    folder = config.root / ".waypost" / "cache" / build_id
    strict = bool(config.cache_url) and config.cache_consistency == "strict"
    shared = _open_redis(config, build_id, folder) if config.cache_url else _open_sqlite(config, folder)
    return LayeredStore(shared, config.cache_max_memory, strict=strict)


def _open_sqlite(config: Config, folder: Path) -> SharedStore:
    from waypost.cache.sqlite_store import SQLiteStore

    return SQLiteStore(
        folder, max_size=config.cache_max_size, max_tags=config.cache_max_tags, timeout=config.cache_timeout
    )


def _open_redis(config: Config, build_id: str, folder: Path) -> SharedStore:
    try:
        from waypost.cache.redis_store import RedisStore
    except ImportError as error:
        raise StartupError(
            f"cache_url names a Redis server, and its client can't be imported: {error}",
            remedy='Install it: pip install "waypost[redis]"',
        ) from None
    return RedisStore(
        config.cache_url,
        build_id,
        _page_of_machine(folder),
        max_tags=config.cache_max_tags,
        timeout=config.cache_timeout,
        strict=config.cache_consistency == "strict",
    )


def _page_of_machine(folder: Path) -> Path:
    """Where the workers of a machine share what Redis tells them: in memory, as it is written in the event loop.

    One for all builds of the project: if its workers are all killed it stays behind, and it should not be one for each.
    Generations of two builds in one page are only asked about too often.
    """
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return folder / "page-redis"
    return memory / f"waypost-{os.geteuid()}-{digest(str(folder.parent))[:16]}"
