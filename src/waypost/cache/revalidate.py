"""revalidate_tag(), revalidate_path(), update_tag(): make what is cached old, by hand.

Called in a request they are done when it is answered and before the answer goes out: an entry that is filled from a
database that the handler is still writing to can't slip in between. Within the request what they name counts as gone
at once. Whoever sees the answer sees the effect, in every worker.
Source: Next.js, revalidateTag, revalidatePath, updateTag.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Generator, Mapping
from typing import Any, Final

from waypost.cache.ambient import Surroundings, current_caching, surroundings
from waypost.cache.caching import Caching
from waypost.cache.fill import refuse_in_fill
from waypost.cache.key import check_tag, tags_of_path
from waypost.cache.lifetimes import profile_of
from waypost.errors import NoRequestError

log = logging.getLogger("waypost.cache")

_MAX_NOTED: Final = 1000
_noted: set[tuple[str, int]] = set()


class Revalidation:
    """What one call asked for. Need not be awaited in a request: then it is done before the response goes out.

    `await` does it now, and raises StoreUnavailable when the store does not take it.
    """

    __slots__ = ("_caching", "done", "stale_for", "tags")

    def __init__(self, caching: Caching | None, tags: tuple[str, ...], stale_for: float) -> None:
        self._caching = caching
        self.tags = tags
        self.stale_for = stale_for
        self.done = caching is None or not caching.has_store

    async def perform(self) -> None:
        """Tell the store, once. Raises StoreUnavailable."""
        if not self.done and self._caching is not None:
            await self._caching.revalidate(self.tags, self.stale_for)
            self.done = True

    def __await__(self) -> Generator[Any, None, None]:
        return self.perform().__await__()


def revalidate_tag(tag: str, profile: str | Mapping[str, Any] | None = None) -> Revalidation:
    """Revalidate everything that carries `tag`.

    profile: "max" or another profile: the next read still gets the old value, and it is made anew behind; after the
    profile's `expire` seconds it is gone. `{"expire": 0}`, or none: the next read waits for the new one. Without a
    profile it is deprecated in Next.js, and noted in the log once for each place.
    Raises CacheUsageError for what is no tag or profile, inside a cached function and in a static handler.
    """
    check_tag(tag, "revalidate_tag()")
    if profile is None:
        _note_missing_profile()
        stale_for = 0.0
    else:
        stale_for = profile_of(profile, "revalidate_tag()").expire
    return _ask("revalidate_tag()", (tag,), stale_for)


def update_tag(tag: str) -> Revalidation:
    """Expire everything that carries `tag`: the next read, in this request too, waits for the new value.

    Raises as revalidate_tag does.
    """
    return _ask("update_tag()", (check_tag(tag, "update_tag()"),), 0.0)


def revalidate_path(path: str, type: str | None = None) -> Revalidation:
    """Expire what is cached for a path: its static answer, and data that was first cached while it was answered.

    path: "/posts/7", as the browser sees it without the base path, or a pattern, "/posts/[id]". type: "page" for the
    answers of the pattern, "layout" for everything at and below it; a pattern needs one.
    Raises CacheUsageError for a path that can't be meant, inside a cached function and in a static handler.
    """
    return _ask("revalidate_path()", tags_of_path(path, type), 0.0)


def _ask(call: str, tags: tuple[str, ...], stale_for: float) -> Revalidation:
    refuse_in_fill(call)
    around = surroundings()
    caching = current_caching()
    if caching is None and around is None:
        raise NoRequestError(f"{call} was called outside an application: there is no cache that it could mean")
    asked = Revalidation(caching, tags, stale_for)
    if asked.done:
        return asked
    if around is not None and not around.answered:
        if around.revalidations is None:
            around.revalidations = []
        around.revalidations.append(asked)
    else:
        _start(asked)
    return asked


def _start(asked: Revalidation) -> None:
    """After the answer, or outside a request: nothing waits for it but close()."""
    caching = asked._caching
    assert caching is not None
    loop = caching.loop
    if loop is None or loop.is_closed():
        raise NoRequestError("the application that this cache belongs to has ended")

    def begin() -> None:
        caching.keep(loop.create_task(_perform_or_log(asked)))

    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        begin()
    else:
        loop.call_soon_threadsafe(begin)


async def _perform_or_log(asked: Revalidation) -> None:
    try:
        await asked.perform()
    except Exception:
        log.exception("the revalidation of %s failed", ", ".join(asked.tags))


async def perform_all(around: Surroundings) -> None:
    """Do what a request asked for, before its answer goes out. Raises StoreUnavailable."""
    asked, around.revalidations = around.revalidations, None
    merged: dict[float, dict[str, None]] = {}
    pending = [item for item in asked or () if not item.done]
    for item in pending:
        merged.setdefault(item.stale_for, {}).update(dict.fromkeys(item.tags))
    for stale_for, tags in merged.items():
        await pending[0]._caching.revalidate(tuple(tags), stale_for)  # type: ignore[union-attr]  # else it were done
    for item in pending:
        item.done = True


def is_pending(tags: tuple[str, ...]) -> bool:
    """Whether the current request has asked for one of these tags, and the store does not know of it yet."""
    around = surroundings()
    asked = around.revalidations if around is not None else None
    return bool(asked) and any(
        not item.done and not item.stale_for and set(item.tags) & set(tags) for item in asked or ()
    )


def _note_missing_profile() -> None:
    frame = sys._getframe(2)
    place = (frame.f_code.co_filename, frame.f_lineno)
    if place not in _noted and len(_noted) < _MAX_NOTED:
        _noted.add(place)
        log.warning(
            '%s:%d: revalidate_tag(tag) without a profile is deprecated: write revalidate_tag(tag, "max") to serve the '
            "old value once more while the new one is made, or update_tag(tag) to expire it at once",
            *place,
        )
