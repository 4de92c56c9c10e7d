"""Which files of a project changed, a set at a time, while they change.

The project's root is watched without its subfolders, and each subfolder that can hold code is watched whole: a
virtual environment or node_modules inside the project would cost tens of thousands of watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final, Self

from watchfiles import Change, awatch

SKIPPED: Final = frozenset(("__pycache__", "node_modules"))
# Only in the root: `app/tests` and `app/build` are routes.
SKIPPED_IN_ROOT: Final = frozenset(("tests", "venv", "env", "build", "dist"))
# Its files are listed when the project is loaded and read when they are asked for.
PUBLIC: Final = "public"
# Swap and backup files of editors, and what Python and SQLite write while the project runs.
SKIPPED_SUFFIXES: Final = frozenset(
    (".pyc", ".swp", ".swx", ".tmp", ".bak", ".orig", ".db", ".db-wal", ".db-shm", ".log")
)
# Milliseconds: how long to wait for more changes after one, and how long a burst may go on (a checkout, a formatter).
STEP_MS: Final = 20
BURST_MS: Final = 200


class ProjectWatch:
    """The watch over one project: `async with` sets it up, `async for changed in watch` follows it.

    Each set holds the files that were changed, added or removed and may change what the application does: Python
    files, everything below `app_dir`, `.env` files and pyproject.toml; of `public/` those that came and went. What
    changes after `async with` was entered is not missed. Iterating raises the error of the watcher if it has one
    (OSError: no watches left on the system).
    """

    def __init__(self, root: Path, app_dir: Path) -> None:
        self.root = root
        self.app_dir = app_dir
        self._found: asyncio.Queue[set[Path] | Exception] = asyncio.Queue()
        self._folders: set[Path] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        folders = _code_folders(self.root)
        self._tasks.append(asyncio.create_task(self._follow([self.root], recursive=False)))
        await self._watch_folders(folders)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[set[Path]]:
        while True:
            changed = await self._found.get()
            if isinstance(changed, Exception):
                raise changed
            folders = _code_folders(self.root)
            # A folder that was made, or removed and made again, is not covered by the watches there are.
            if folders != self._folders or changed.intersection(folders):
                self._tasks.pop().cancel()
                await self._watch_folders(folders)
            relevant = {path for path in changed if is_relevant(path, self.root, self.app_dir)}
            if relevant:
                yield relevant

    async def _watch_folders(self, folders: set[Path]) -> None:
        self._folders = folders
        self._tasks.append(asyncio.create_task(self._follow(folders, recursive=True)))
        # The first step of the task sets the watches; without it a change made from now on could be missed.
        await asyncio.sleep(0)

    async def _follow(self, paths: Iterable[Path], *, recursive: bool) -> None:
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
                    found = {Path(path) for kind, path in changes if not self._is_new_text(kind, Path(path))}
                    if found:
                        self._found.put_nowait(found)
        except Exception as error:
            self._found.put_nowait(error)

    def _is_new_text(self, kind: Change, path: Path) -> bool:
        """Whether a file of `public/` merely has other contents, which no reload is needed for."""
        return kind is Change.modified and self.root / PUBLIC in path.parents


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
    if parts[0] == PUBLIC:
        return True
    if parts[0] in SKIPPED_IN_ROOT or any(map(_is_skipped, parts)):
        return False
    if path.suffix == ".py" or app_dir in (path, *path.parents):
        return True
    return path.suffix == "" and _may_have_been_code(path)


def _may_have_been_code(path: Path) -> bool:
    """A folder that was moved comes as one change without the files in it; what is gone may have been one."""
    return not path.exists() or (path.is_dir() and any(path.rglob("*.py")))
