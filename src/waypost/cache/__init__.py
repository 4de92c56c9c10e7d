"""Caching by hand: keep results, tag them, make them old.

Static handlers need none of this: `dynamic = "force-static"` or `revalidate = 60` in the route file does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waypost.cache.data import cache_life, cache_tag, cached
    from waypost.cache.fetching import fetch
    from waypost.cache.revalidate import revalidate_path, revalidate_tag, update_tag

__all__ = ["cache_life", "cache_tag", "cached", "fetch", "revalidate_path", "revalidate_tag", "update_tag"]

# The application needs the stores and not these; a project that caches nothing by hand pays for no import.
_HOMES = {
    "cache_life": "data",
    "cache_tag": "data",
    "cached": "data",
    "fetch": "fetching",
    "revalidate_path": "revalidate",
    "revalidate_tag": "revalidate",
    "update_tag": "revalidate",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"waypost.cache.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'waypost.cache' has no attribute {name!r}")
