"""Which files of a project changed, a set at a time, while they change.

The project's root is watched without its subfolders, and each subfolder that can hold code is watched whole: a
virtual environment or node_modules inside the project would cost tens of thousands of watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

SKIPPED: Final = frozenset(("__pycache__", "node_modules"))
# Only in the root: `app/tests` and `app/build` are routes.
SKIPPED_IN_ROOT: Final = frozenset(("public", "tests", "venv", "env", "build", "dist"))
# Swap and backup files of editors, and what Python and SQLite write while the project runs.
SKIPPED_SUFFIXES: Final = frozenset(
    (".pyc", ".swp", ".swx", ".tmp", ".bak", ".orig", ".db", ".db-wal", ".db-shm", ".log")
)
# Milliseconds: how long to wait for more changes after one, and how long a burst may go on (a checkout, a formatter).
STEP_MS: Final = 20
BURST_MS: Final = 200


async def watch_project(root: Path, app_dir: Path) -> AsyncIterator[set[Path]]:
    """Give the files that were changed, added or removed and may change what the application does.

    Those are Python files, everything below `app_dir`, `.env` files and pyproject.toml. Ends with the error of the
    watcher if it has one (no watches left on the system: OSError).
    """
    found: asyncio.Queue[set[Path] | BaseException] = asyncio.Queue()
    folders = _code_folders(root)
    top = asyncio.create_task(_follow([root], False, found))
    below = asyncio.create_task(_follow(folders, True, found))
    try:
        while True:
            changed = await found.get()
            if isinstance(changed, BaseException):
                raise changed
            now = _code_folders(root)
            # A folder that was made, or removed and made again, is not covered by the watches there are.
            if now != folders or changed.intersection(folders):
                below.cancel()
                folders = now
                below = asyncio.create_task(_follow(folders, True, found))
            relevant = {path for path in changed if is_relevant(path, root, app_dir)}
            if relevant:
                yield relevant
    finally:
        top.cancel()
        below.cancel()


async def _follow(paths: Iterable[Path], recursive: bool, found: asyncio.Queue[set[Path] | BaseException]) -> None:
    from watchfiles import awatch

    paths = list(paths)
    try:
        if paths:
            watcher = awatch(
                *paths,
                watch_filter=None,
                recursive=recursive,
                step=STEP_MS,
                debounce=BURST_MS,
                ignore_permission_denied=True,
            )
            async for changes in watcher:
                found.put_nowait({Path(path) for _, path in changes})
    except Exception as error:
        found.put_nowait(error)


def _code_folders(root: Path) -> set[Path]:
    return {
        path
        for path in root.iterdir()
        if path.is_dir()
        and path.name not in SKIPPED_IN_ROOT
        and not _is_skipped(path.name)
        and not (path / "pyvenv.cfg").exists()
    }


def _is_skipped(name: str) -> bool:
    return name in SKIPPED or (name.startswith(".") and name != ".well-known")


def is_relevant(path: Path, root: Path, app_dir: Path) -> bool:
    """Say whether a change of `path` asks for a reload."""
    parts = path.relative_to(root).parts
    if not parts or path.suffix in SKIPPED_SUFFIXES or path.name.endswith("~"):
        return False
    if len(parts) == 1 and (path.name.startswith(".env") or path.name == "pyproject.toml"):
        return True
    if parts[0] in SKIPPED_IN_ROOT or any(map(_is_skipped, parts)):
        return False
    # A folder that was moved comes as one change without the files in it.
    return path.suffix in (".py", "") or app_dir in path.parents
