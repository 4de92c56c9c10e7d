"""Tags and what was revalidated when: the one place that decides whether an entry is fresh, stale or gone.

A revalidation is a step of the store's clock, the generation. It leaves a mark at each of its tags; an entry is judged
by the marks of its tags that are younger than its fill. The number of marks is bounded: when one is forgotten, the
floor rises, and what could have carried it counts as gone. Forgetting costs a fill and never shows an old value.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from waypost.cache.entry import Entry, State

NONE: Final = -1  # older than every generation
FOREVER: Final = float("inf")


class Mark(NamedTuple):
    """The revalidations of one tag.

    expired: generation of the last one that wants a fill before the next read. staled: of the last one that allows
    one more read of the old value, up to deadline (Unix seconds).
    """

    expired: int = NONE
    staled: int = NONE
    deadline: float = FOREVER

    @property
    def latest(self) -> int:
        return max(self.expired, self.staled)

    def revalidated(self, generation: int, stale_for: float, now: float) -> Mark:
        """The mark after one more revalidation."""
        if stale_for <= 0:
            return Mark(generation, self.staled, self.deadline)
        expired, deadline = self.expired, self.deadline
        if now >= deadline:
            # What the last one made stale is past its time: it must not come back with the new deadline.
            expired, deadline = max(expired, self.staled), FOREVER
        # Two deadlines are kept as the earlier one: an entry may be filled too early, never too late.
        return Mark(expired, generation, min(deadline, now + stale_for))


UNMARKED: Final = Mark()


def judge(entry: Entry, generation: int, marks: Iterable[Mark], floor: int, now: float) -> State:
    """The state of an entry whose fill began at `generation`; marks: of its tags; now: Unix seconds."""
    if generation < floor:
        return "gone"
    state = entry.state_at(now)
    for mark in marks:
        if mark.expired > generation or (mark.staled > generation and now >= mark.deadline):
            return "gone"
        if mark.staled > generation and state == "fresh":
            state = "stale"
    return state


def outdated(generation: int, marks: Iterable[Mark]) -> bool:
    """Whether an entry whose fill began at `generation` was revalidated since; by time it may be stale as well."""
    return any(mark.latest > generation for mark in marks)


def untouched(generation: int, marks: Iterable[Mark], floor: int) -> bool:
    """Whether a fill that began at `generation` may be stored: nothing it carries was revalidated meanwhile."""
    return generation >= floor and not outdated(generation, marks)


class TagTable:
    """The marks of one process, with a limit to their number."""

    __slots__ = ("_limit", "_marks", "floor", "generation")

    def __init__(self, limit: int) -> None:
        self.generation = 0
        self.floor = 0
        self._limit = limit
        self._marks: OrderedDict[str, Mark] = OrderedDict()

    def __len__(self) -> int:
        return len(self._marks)

    def marks(self, tags: Iterable[str]) -> list[Mark]:
        return [self._marks.get(tag, UNMARKED) for tag in tags]

    def revalidate(self, tags: Sequence[str], stale_for: float, now: float) -> None:
        """Step the clock and mark the tags."""
        generation = self.generation + 1
        for tag in tags:
            mark = self._marks.pop(tag, UNMARKED)
            self._marks[tag] = mark.revalidated(generation, stale_for, now)
        while len(self._marks) > self._limit:
            _, oldest = self._marks.popitem(last=False)
            self.floor = max(self.floor, oldest.latest)
        self.generation = generation
