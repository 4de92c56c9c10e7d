"""RouteFile: one file that answers a path, as the folders say it. A value; nothing here touches the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from waypost.routing.pattern import DYNAMIC, Segment

FileKind: TypeAlias = Literal["route", "page"]

_RANK: Final = {"static": 0, "param": 1, "catch-all": 2, "optional-catch-all": 3}


@dataclass(frozen=True, slots=True)
class RouteFile:
    """A `route.py`, `page.py` or `page.html`.

    pattern: `/api/posts/[id]`, groups left out. segments: the URL segments in order, groups left out.
    middleware: the `middleware.py` files in the folders above it, groups included, outermost first.
    """

    pattern: str
    file: Path
    kind: FileKind
    segments: tuple[Segment, ...]
    middleware: tuple[Path, ...] = ()

    @property
    def params(self) -> tuple[str, ...]:
        """The parameter names in the order of the path."""
        return tuple(segment.name for segment in self.segments if segment.kind in DYNAMIC)

    @property
    def precedence(self) -> tuple[tuple[int, str], ...]:
        """A sort key: of two routes that match one path, the one that wins sorts first."""
        return tuple(
            (_RANK[segment.kind], segment.name if segment.kind == "static" else "") for segment in self.segments
        )


@dataclass(frozen=True, slots=True)
class MiddlewareFile:
    """A `middleware.py` (or `proxy.py`) in a folder below `app/`.

    pattern, segments: the URL of its folder; a middleware in a `(group)` has the URL of the folder above, and covers
    only the routes of the group: `RouteFile.middleware` says which run for which file.
    """

    pattern: str
    file: Path
    segments: tuple[Segment, ...]
