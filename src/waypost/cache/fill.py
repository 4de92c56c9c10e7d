"""Fill: one run of a static handler or of a cached function, and what its result depends on.

While one runs, everything cached that it reads leaves its tags and lifetime here, so that what reaches the part
reaches the whole. Knows no request: the application asks here what may be read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from waypost.cache.lifetimes import Lifetime
from waypost.errors import CacheUsageError, DynamicReadError

if TYPE_CHECKING:
    from waypost.cache.caching import Caching
    from waypost.cache.store import Found

FillKind: TypeAlias = Literal["static", "cached"]

_PACKAGE: Final = sys.modules[__name__.partition(".")[0]].__path__[0]


class Fill:
    """What is known of the result while it is being made.

    name: of the route or function, for messages. caching: where cached parts are looked up. lifetime: the shortest of
    its parts; own: what the function set itself with cache_life(). used: the entries it was made of.
    path_tags: by which revalidate_path reaches what is cached in here. fetch_cache: the option of the route.
    """

    __slots__ = ("caching", "fetch_cache", "kind", "lifetime", "name", "own", "path_tags", "tags", "used")

    def __init__(
        self,
        kind: FillKind,
        name: str,
        caching: Caching | None,
        path_tags: tuple[str, ...] = (),
        fetch_cache: str = "auto",
    ) -> None:
        self.fetch_cache = fetch_cache
        self.kind: FillKind = kind
        self.name = name
        self.caching = caching
        self.path_tags = path_tags
        self.lifetime = Lifetime()
        self.own: Lifetime | None = None
        self.tags: dict[str, None] = {}
        self.used: list[Found] = []

    def add_tags(self, tags: Iterable[str]) -> None:
        self.tags.update(dict.fromkeys(tags))

    def absorb(self, tags: Iterable[str], lifetime: Lifetime, found: Found | None) -> None:
        """Take over what a cached part depends on."""
        self.add_tags(tags)
        self.lifetime = self.lifetime.shortened(lifetime)
        if found is not None:
            self.used.append(found)


current_fill: ContextVar[Fill | None] = ContextVar("waypost_fill", default=None)


def refuse_in_fill(what: str) -> None:
    """Raise CacheUsageError when something runs whose result is being cached. what: "revalidate_tag()"."""
    fill = current_fill.get()
    if fill is None:
        return
    if fill.kind == "cached":
        raise CacheUsageError(
            f"{what} can't be called inside the cached function {fill.name}: it runs only when its result is missing; "
            "call it in the handler"
        )
    raise CacheUsageError(
        f"{what} can't be called while the static handler {fill.name} is rendered: it runs once for many requests; "
        "call it in another handler"
    )


def refuse_dynamic(what: str) -> None:
    """Raise DynamicReadError inside a cached function. what: "cookies()"."""
    fill = current_fill.get()
    if fill is not None and fill.kind == "cached":
        raise dynamic_read(
            f"{what} was read inside the cached function {fill.name}, whose result is kept for everybody: "
            "read it in the handler and pass the value as an argument"
        )


def dynamic_read(message: str) -> DynamicReadError:
    """The error, with the file and line of the user's code that is being run."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    # Otherwise the code is a library's or none is left; the traceback still tells.
    if frame is None:
        return DynamicReadError(message)
    file, line = frame.f_code.co_filename, frame.f_lineno
    return DynamicReadError(f"{file}:{line}: {message}", file=file, line=line)
