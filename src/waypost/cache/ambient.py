"""Which cache the running code belongs to, for functions that are called without one: cached(), revalidate_tag() …

The application says how to find the current request's; outside a request it is the one that was opened last.
Knows no request: it sees one through `Surroundings`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from waypost.cache.fill import current_fill

if TYPE_CHECKING:
    from waypost.cache.caching import Caching
    from waypost.cache.revalidate import Revalidation


class Surroundings(Protocol):
    """A request as the cache sees it.

    answered: its response is made. revalidations: what it asked for, to be done before its response goes out.
    """

    answered: bool
    revalidations: list[Revalidation] | None

    @property
    def caching(self) -> Caching | None:
        """The cache of its application."""
        ...

    @property
    def bypasses_cache(self) -> bool:
        """Whether it is in draft mode: nothing cached is read or stored."""
        ...

    @property
    def fetch_cache(self) -> str:
        """The option `fetch_cache` of its route."""
        ...

    def path_tags(self) -> tuple[str, ...]:
        """The tags of its path, for what is cached while it is answered."""
        ...


def _nowhere() -> Surroundings | None:
    return None


_find: Callable[[], Surroundings | None] = _nowhere
_open: list[Caching] = []


def find_surroundings_with(find: Callable[[], Surroundings | None]) -> None:
    """Say how the current request is found; the application does, once."""
    global _find  # noqa: PLW0603  # one process has one application layer
    _find = find


def surroundings() -> Surroundings | None:
    """The current request, None outside one."""
    return _find()


def opened(caching: Caching) -> None:
    _open.append(caching)


def closed(caching: Caching) -> None:
    if caching in _open:
        _open.remove(caching)


def is_open(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether any cache works on that loop."""
    return any(caching.loop is loop for caching in _open)


def current_caching() -> Caching | None:
    """The cache of the running fill or request, or else of the application that was started last; None without one."""
    fill = current_fill.get()
    if fill is not None:
        return fill.caching
    around = _find()
    if around is not None:
        return around.caching
    return _open[-1] if _open else None
