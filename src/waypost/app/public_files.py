"""The files of public/, served at the root as they are (Next.js, public folder).

The folder is listed once at start-up in production; in development each look-up asks the disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote_to_bytes

from waypost.app.context import RequestScope
from waypost.app.entry import RouteEntry
from waypost.http.file_response import file_response
from waypost.http.request import Request
from waypost.http.response import Response

CACHE_CONTROL = "public, max-age=0"


def public_finder(folder: Path, dev: bool) -> Callable[[str], RouteEntry | None]:
    """A function from a raw path ("/logo%20a.svg") to the entry of its file."""
    if dev:
        return lambda path: _look_up(folder.resolve(), _decoded(path))
    if not folder.is_dir():
        return lambda path: None
    root = folder.resolve()
    entries = {"/" + file.relative_to(root).as_posix(): file for file in _walk(root)}
    found = {path: _entry(path, file) for path, file in entries.items()}
    return lambda path: found.get(_decoded(path)) if found else None


def _decoded(path: str) -> str:
    if "%" not in path:
        return path
    try:
        return unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return ""


def _look_up(root: Path, path: str) -> RouteEntry | None:
    file = root / path.lstrip("/")
    try:
        return _entry(path, file) if path != "/" and _publishable(root, file) else None
    except (OSError, ValueError):  # a name too long for the disk, a NUL
        return None


def _walk(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            file = Path(parent, name)
            if _publishable(root, file):
                yield file


def _publishable(root: Path, file: Path) -> bool:
    # A link, or a dotted path, that leaves the folder would publish whatever it points to.
    return file.is_file() and file.resolve().is_relative_to(root)


def _entry(path: str, file: Path) -> RouteEntry:
    return RouteEntry(path, file, "public", {"GET": partial(_serve, file)})


async def _serve(file: Path, request: Request, scope: RequestScope) -> Response:
    return await file_response(file, request, cache_control=CACHE_CONTROL)
