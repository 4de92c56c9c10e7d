"""Walk the `app` folder once and say which files answer which paths.

The only module of routing that lists folders. It opens no file: `load.py` imports them. Names are sorted, so that the
result is the same on every file system.
Source: Next.js, "Project structure" and "Route Handlers".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from waypost.errors import StartupError
from waypost.routing.conflicts import find_conflicts
from waypost.routing.pattern import CATCH_ALL, Segment, check_segments, parse_segment, render_pattern
from waypost.routing.route_file import FileKind, MiddlewareFile, RouteFile

__all__ = ["MiddlewareFile", "RouteFile", "ScanResult", "scan"]

ROUTE_FILES: Final[Mapping[str, FileKind]] = {"route.py": "route", "page.html": "page", "page.py": "page"}
MIDDLEWARE_FILES: Final = ("middleware.py", "proxy.py")
# What tools leave behind; every other folder with a leading dot is a segment, as `.well-known` has to be.
_TOOL_FOLDERS: Final = ("node_modules", "__pycache__", ".venv", ".git", ".hg", ".svn", ".idea", ".vscode")
_TOOL_CACHES: Final = (".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".pyrefly_cache")
_IGNORED_FOLDERS: Final = frozenset((*_TOOL_FOLDERS, *_TOOL_CACHES, ".AppleDouble"))
_STEMS: Final = ("route", "page", "middleware", "proxy")
_PLURALS: Final = {"routes.py": "route.py", "pages.py": "page.py", "middlewares.py": "middleware.py"}
_SCRIPT_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one walk found.

    routes: the best match first, so that the list reads as the table decides. errors: all mistakes; warnings:
    likely ones that leave the rest working. broken: for each route file that an error is about, that error, so that
    `dev` can show it at the route's own path and serve the others.
    """

    routes: tuple[RouteFile, ...]
    middleware: tuple[MiddlewareFile, ...] = ()
    errors: tuple[StartupError, ...] = ()
    warnings: tuple[StartupError, ...] = ()
    broken: Mapping[Path, StartupError] = field(default_factory=dict[Path, StartupError])


def scan(app_dir: Path) -> ScanResult:
    """Find the route, page and middleware files below `app_dir`. Raises nothing: mistakes are in the result."""
    if not app_dir.is_dir():
        remedy = "Create app/route.py, or start Waypost in the folder that has app/ (or src/app/) in it."
        return ScanResult((), errors=(StartupError("there is no app folder", file=app_dir, remedy=remedy),))
    walk = _Walk(app_dir)
    walk.run()
    routes = sorted(walk.routes, key=lambda route: (route.precedence, route.file))
    conflicts = find_conflicts(routes, app_dir.parent)
    errors = [*walk.errors, *(conflict.error for conflict in conflicts)]
    errors.sort(key=lambda error: error.file or app_dir)
    broken = dict(walk.broken)
    for conflict in conflicts:
        for file in conflict.files:
            broken.setdefault(file.file, conflict.error)
    warnings = sorted(walk.warnings, key=lambda warning: warning.file or app_dir)
    if not routes and not errors:
        remedy = "Create app/route.py with `async def GET(request)` in it."
        warnings.append(StartupError("no file in this folder answers a request", file=app_dir, remedy=remedy))
    return ScanResult(tuple(routes), tuple(walk.middleware), tuple(errors), tuple(warnings), broken)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way down.

    links: where the symbolic links on the way lead; a link that leads to one of them again is a loop.
    problem: its name, or one above, is malformed, which matters if a route is below.
    """

    path: Path
    segments: tuple[Segment, ...] = ()
    middleware: tuple[Path, ...] = ()
    links: tuple[str, ...] = ()
    problem: StartupError | None = None


class _Walk:
    __slots__ = ("app_dir", "broken", "errors", "middleware", "reported", "routes", "warnings")

    def __init__(self, app_dir: Path) -> None:
        self.app_dir = app_dir
        self.routes: list[RouteFile] = []
        self.middleware: list[MiddlewareFile] = []
        self.errors: list[StartupError] = []
        self.warnings: list[StartupError] = []
        self.broken: dict[Path, StartupError] = {}
        self.reported: set[int] = set()

    def run(self) -> None:
        # A stack of our own: folders may be deeper than Python's recursion limit.
        pending = [_Folder(self.app_dir)]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder.path) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self.errors.append(StartupError(f"this folder can't be read: {error.strerror}", file=folder.path))
                continue
            folders = [entry for entry in entries if entry.is_dir()]
            folder = self._files(folder, [entry for entry in entries if not entry.is_dir()])
            for entry in reversed(folders):
                below = self._enter(folder, entry)
                if below is not None:
                    pending.append(below)

    def _enter(self, folder: _Folder, entry: os.DirEntry[str]) -> _Folder | None:
        """Describe a sub-folder; None when nothing in it is routed."""
        if entry.name in _IGNORED_FOLDERS:
            return None
        path = folder.path / entry.name
        links = folder.links
        if entry.is_symlink():
            here, real = os.path.realpath(folder.path), os.path.realpath(path)
            if real in links or here == real or here.startswith(real + os.sep):
                self.warnings.append(StartupError("this link leads back to a folder above it", file=path))
                return None
            links = (*links, real)
        segments, problem = folder.segments, folder.problem
        try:
            segment = parse_segment(entry.name)
        except StartupError as error:
            problem = problem or StartupError(error.message, file=path, remedy=error.remedy)
        else:
            if segment.kind == "private":
                return None
            if segment.kind != "group":
                segments = (*segments, segment)
        return _Folder(path, segments, folder.middleware, links, problem)

    def _files(self, folder: _Folder, entries: list[os.DirEntry[str]]) -> _Folder:
        """Record the files of one folder; its middleware joins what the folders below inherit."""
        names = {entry.name for entry in entries}
        for entry in entries:
            if (entry.name in ROUTE_FILES or entry.name in MIDDLEWARE_FILES) and not entry.is_file():
                path = folder.path / entry.name
                self.errors.append(StartupError("this is a link to nothing, or not a regular file", file=path))
                names.discard(entry.name)
            else:
                self._neighbour(folder, entry.name, names)
        own = [folder.path / name for name in MIDDLEWARE_FILES if name in names]
        if len(own) > 1:
            remedy = "They are two names of the same thing: keep one."
            self.errors.append(StartupError("one folder has middleware.py and proxy.py", file=own[0], remedy=remedy))
        if own:
            folder = replace(folder, middleware=(*folder.middleware, own[0]))
            self.middleware.append(MiddlewareFile(render_pattern(folder.segments), own[0], folder.segments))
        for name, kind in ROUTE_FILES.items():
            if name in names:
                self._route(folder, folder.path / name, kind)
        return folder

    def _route(self, folder: _Folder, file: Path, kind: FileKind) -> None:
        if folder.problem is not None:
            self.broken[file] = folder.problem
            if id(folder.problem) not in self.reported:
                self.reported.add(id(folder.problem))
                self.errors.append(folder.problem)
            return
        wrong = check_segments(folder.segments)
        if wrong is not None:
            error = StartupError(wrong.message, file=file, remedy=wrong.remedy)
            self.broken[file] = error
            self.errors.append(error)
            if any(segment.kind in CATCH_ALL for segment in folder.segments[:-1]):
                return  # there is no path at which `dev` could show it
        pattern = render_pattern(folder.segments)
        self.routes.append(RouteFile(pattern, file, kind, folder.segments, folder.middleware))

    def _neighbour(self, folder: _Folder, name: str, names: set[str]) -> None:
        """Report a file that was probably meant to be a route file."""
        path = folder.path / name
        stem, suffix = path.stem, path.suffix
        lower = name.lower()
        if lower != name and (lower in ROUTE_FILES or lower in MIDDLEWARE_FILES):
            remedy = f"Rename it to {lower}: names are compared with their case."
            self.errors.append(StartupError(f"{name} is not read", file=path, remedy=remedy))
        elif stem.lower() in _STEMS and suffix.lower() in _SCRIPT_SUFFIXES:
            remedy = f"Port it to {stem.lower()}.py."
            self.warnings.append(StartupError(f"{name} is not read", file=path, remedy=remedy))
        elif _PLURALS.get(lower) and _PLURALS[lower] not in names:
            remedy = f"If it should answer requests, rename it to {_PLURALS[lower]}."
            self.warnings.append(StartupError(f"{name} is an ordinary module, not a route", file=path, remedy=remedy))
        elif stem.startswith("[") and suffix in (".py", *_SCRIPT_SUFFIXES):
            remedy = f"A parameter is a folder: move it to {stem}/route.py."
            self.errors.append(StartupError(f"{name} is not read", file=path, remedy=remedy))
