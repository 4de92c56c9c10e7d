"""The files of public/, served at the root as they are (Next.js, public folder).

The folder is listed once at start-up: what clients ask never reaches the disk by a name of their making. In
development a new file is a change that reloads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from waypost.app.context import RequestScope
from waypost.app.entry import Endpoint, RouteEntry
from waypost.http.file_response import file_response
from waypost.http.request import Request
from waypost.http.response import Response

CACHE_CONTROL = "no-cache"  # kept, and asked about each time


def public_entries(folder: Path) -> list[tuple[str, RouteEntry]]:
    """Path and entry of each file below `folder`; the path is decoded text, as "/naïve file.txt"."""
    if not folder.is_dir():
        return []
    root = folder.resolve()
    paths = (("/" + file.relative_to(root).as_posix(), file) for file in _walk(root))
    return [(path, RouteEntry(path, file, "public", {"GET": serve_file(file)})) for path, file in paths]


def _walk(root: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            file = Path(parent, name)
            if _publishable(root, file):
                yield file


def _publishable(root: Path, file: Path) -> bool:
    # A link that leaves the folder would publish whatever it points to.
    return file.is_file() and file.resolve().is_relative_to(root)


def serve_file(file: Path) -> Endpoint:
    """The endpoint that answers with `file`."""
    return partial(_serve, file)


async def _serve(file: Path, request: Request, scope: RequestScope) -> Response:
    scope.generated = CACHE_CONTROL.encode()
    return await file_response(file, request, cache_control=CACHE_CONTROL)
