"""Which route files get in each other's way: one report for each place, naming the files.

Looks at RouteFiles only. A path that is wrong by itself is `pattern.check_segments`' matter.
Source: Next.js refuses the same trees at build time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from waypost.errors import StartupError
from waypost.routing.pattern import CATCH_ALL, render_pattern
from waypost.routing.route_file import RouteFile

_Place: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A report and the files that it is about; the first of them is the one a tolerant table keeps."""

    error: StartupError
    files: tuple[RouteFile, ...]


def find_conflicts(files: Sequence[RouteFile], root: Path | None = None) -> list[Conflict]:
    """Every conflict among `files`, in the order of the files.

    root: the folder from which the messages name the files; without it by their whole path.
    """
    found = [*_same_path(files, root), *_two_names(files, root), *_optional_beside(files, root)]
    order = {id(file): index for index, file in enumerate(files)}
    return sorted(found, key=lambda conflict: order[id(conflict.files[0])])


def _shape(file: RouteFile) -> _Place:
    """The route without its parameter names: what it matches."""
    return tuple(
        ("static", segment.name) if segment.kind == "static" else (segment.kind, "") for segment in file.segments
    )


def _same_path(files: Iterable[RouteFile], root: Path | None) -> Iterable[Conflict]:
    places: dict[tuple[_Place, tuple[str, ...]], list[RouteFile]] = {}
    for file in files:
        places.setdefault((_shape(file), file.params), []).append(file)
    for group in places.values():
        if len(group) < 2:
            continue
        first = group[0]
        if {file.file.parent for file in group} == {first.file.parent}:
            message = f"one folder has {_names(group, root)}, and {first.pattern} can only be one of them"
            remedy = "Remove one, or move it into a folder of its own."
        else:
            message = f"{first.pattern} is answered by {_names(group, root)}"
            remedy = "Keep one, or rename a folder; a (group) adds nothing to the path."
        yield Conflict(StartupError(message, file=first.file, remedy=remedy), tuple(group))


def _two_names(files: Iterable[RouteFile], root: Path | None) -> Iterable[Conflict]:
    """Find `[a]` beside `[b]`, and two catch-alls, at one place of the path."""
    places: dict[tuple[_Place, bool], dict[str, RouteFile]] = {}
    for file in files:
        shape = _shape(file)
        for index, segment in enumerate(file.segments):
            if segment.kind != "static":
                rest = segment.kind in CATCH_ALL
                # The text, not the name: [...a] and [[...a]] both take all the rest.
                spelling = segment.text if rest else segment.name
                places.setdefault((shape[:index], rest), {}).setdefault(spelling, file)
    for (place, rest), names in places.items():
        if len(names) < 2:
            continue
        group = tuple(names.values())
        spelled = " and ".join(names) if rest else " and ".join(f"[{name}]" for name in names)
        prefix = render_pattern(group[0].segments[: len(place)])
        message = f"{spelled} stand at the same place below {prefix}, in {_names(group, root)}"
        remedy = "Use one name for this place in all folders." if not rest else "Keep one of the catch-alls."
        yield Conflict(StartupError(message, file=group[0].file, remedy=remedy), group)


def _optional_beside(files: Iterable[RouteFile], root: Path | None) -> Iterable[Conflict]:
    """Find `[[...slug]]` below a folder that has a file of its own: both answer the bare path."""
    shapes: dict[_Place, RouteFile] = {}
    for file in files:
        shapes.setdefault(_shape(file), file)
    for shape, file in shapes.items():
        own = shapes.get(shape[:-1]) if shape and shape[-1][0] == "optional-catch-all" else None
        if own is not None:
            last = file.segments[-1]
            message = f"{own.pattern} is answered by {_names((own, file), root)}: {last.text} takes the bare path too"
            remedy = f"Rename {last.text} to [...{last.name}], or remove the other file."
            yield Conflict(StartupError(message, file=own.file, remedy=remedy), (own, file))


def _names(files: Sequence[RouteFile], root: Path | None) -> str:
    names = [(file.file.relative_to(root) if root else file.file).as_posix() for file in files]
    return f"{', '.join(names[:-1])} and {names[-1]}"
