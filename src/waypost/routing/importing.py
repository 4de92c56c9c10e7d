"""Import route files under their natural dotted names: `app/api/[id]/route.py` is `app.api.[id].route`.

Python finds such names by itself, brackets and all, except where a folder name has dots. There a dot is written as
U+2024 and three dots as U+2026, which look the same: `[...slug]` is `[…slug]`. So relative imports, pickling,
breakpoints, coverage and tracebacks see ordinary modules with their true files.
One project at a time: opening another one takes the first one's modules out of `sys.modules`. Its functions go on
working; an import statement inside them would find the other project's modules.
"""

from __future__ import annotations

import importlib
import linecache
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

from waypost.errors import StartupError

_ELLIPSIS: Final = "\u2026"
_DOT: Final = "\u2024"
_INSTALLED: Final = frozenset(("site-packages", "dist-packages"))


def module_name(file: Path, app_dir: Path) -> str:
    """The dotted name of a Python file in the project, the folder that holds `app_dir`."""
    folders = file.relative_to(app_dir.parent).parent.parts
    return ".".join([*map(_name_part, folders), file.stem])


def _name_part(folder: str) -> str:
    return folder.replace("...", _ELLIPSIS).replace(".", _DOT)


class ProjectFinder:
    """Finds the `app` package of one project, and the folders below it whose names have dots.

    It answers for `app` itself because a package of that name anywhere on `sys.path` would win over a folder without
    `__init__.py`. Everything else is found in Python's usual way.
    """

    def __init__(self, app_dir: Path) -> None:
        self.app_dir = app_dir
        self.added_path = ""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a folder, or None when Python's own finders shall look (they do in most cases)."""
        if path is None:
            return _package_spec(fullname, self.app_dir) if fullname == self.app_dir.name else None
        part = fullname.rpartition(".")[2]
        if _ELLIPSIS not in part and _DOT not in part:
            return None
        folder = part.replace(_ELLIPSIS, "...").replace(_DOT, ".")
        for parent in path:
            candidate = Path(parent, folder)
            if candidate.is_dir():
                return _package_spec(fullname, candidate)
        return None


def _package_spec(fullname: str, folder: Path) -> ModuleSpec | None:
    init = folder / "__init__.py"
    if init.is_file():
        return spec_from_file_location(fullname, init, submodule_search_locations=[str(folder)])
    spec = ModuleSpec(fullname, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


def open_project(app_dir: Path) -> None:
    """Make the modules of a project importable: those below `app_dir`, and those beside it (`lib/db.py` as `lib.db`).

    Repeating it for the same project changes nothing. Another project's modules are forgotten first.
    Raises StartupError when the name of the folder is taken by an `app.py` or by a foreign package.
    """
    # Only the folder above is resolved: a link called `app` has to keep its name.
    root = app_dir.parent.resolve()
    app_dir = root / app_dir.name
    twin = root / f"{app_dir.name}.py"
    if twin.exists():
        remedy = "Rename it, for example to main.py."
        raise StartupError(f"{twin.name} hides the folder {app_dir.name}/ from imports", file=twin, remedy=remedy)
    finder = next((found for found in sys.meta_path if isinstance(found, ProjectFinder)), None)
    if finder is not None and finder.app_dir != app_dir:
        _close(finder)
        finder = None
    taken = sys.modules.get(app_dir.name)
    if taken is not None and not any(os.path.realpath(path) == os.path.realpath(app_dir) for path in _folders(taken)):
        origin = getattr(taken, "__file__", None) or next(iter(_folders(taken)), None)
        remedy = f"Call that module something else than {app_dir.name}."
        raise StartupError(f"the name {app_dir.name} is taken by another module", file=origin, remedy=remedy)
    if finder is None:
        finder = ProjectFinder(app_dir)
        sys.meta_path.insert(0, finder)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
        finder.added_path = str(root)


def _close(finder: ProjectFinder) -> None:
    sys.meta_path.remove(finder)
    if finder.added_path in sys.path:
        sys.path.remove(finder.added_path)
    forget_project_modules(finder.app_dir.parent)


def forget_project_modules(root: Path) -> list[str]:
    """Take every Python module that lies below `root` out of `sys.modules`, so that its next import reads it anew.

    Installed packages (a virtual environment inside the project), extension modules, Waypost itself, `__main__` and
    modules that are being imported just now stay. Returns the names. Bytecode that Python would take for current,
    because the source was changed within the same second to the same length, is removed.
    """
    project = _Project(root.resolve())
    # All places first: a folder below `app` can't say its own once `app` is gone.
    places = {name: _place(module) for name, module in list(sys.modules.items())}
    kept = _in_progress()
    forgotten: list[str] = []
    for name, place in places.items():
        own = place is not None and project.owns(place)
        if own and name not in kept and name.partition(".")[0] not in ("__main__", "waypost"):
            _drop_stale_bytecode(sys.modules.pop(name))
            forgotten.append(name)
    importlib.invalidate_caches()
    linecache.checkcache()
    return forgotten


def _in_progress() -> set[str]:
    """The modules that are being imported now, and the packages around them: their import needs them to the end."""
    names: set[str] = set()
    for name, module in list(sys.modules.items()):
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            parts = name.split(".")
            names.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return names


def _place(module: ModuleType) -> str | None:
    """The source file of a module, or the folder of a package without `__init__.py`."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file if file.endswith((".py", ".pyc")) else None
    folders = _folders(module)
    return folders[0] if folders else None


def _folders(module: ModuleType) -> list[str]:
    try:
        return [path for path in getattr(module, "__path__", ()) if isinstance(path, str)]
    except Exception:  # the path of a namespace package asks its parent, which may be gone already
        return []


def is_project_file(place: Path, root: Path) -> bool:
    """Say whether a file belongs to the project in `root` and not to a package installed in it."""
    return _Project(root).owns(str(place))


class _Project:
    """Tells the files of a project from others.

    Text and a memory of folders instead of Path: a reload asks for every module of the process, thousands of them in a
    few hundred folders.
    """

    __slots__ = ("_environment", "_real", "_root")

    def __init__(self, root: Path) -> None:
        self._root = os.path.normcase(root)
        prefix = os.path.normcase(os.path.realpath(sys.prefix))
        self._environment = prefix if prefix != self._root and _is_below(prefix, self._root) else None
        self._real: dict[str, str] = {}

    def owns(self, place: str) -> bool:
        # As it was imported, and where it really is: `app` itself may be a link that leads out of the project.
        for path in (os.path.normcase(place), self._resolved(place)):
            if self._environment is not None and _is_below(path, self._environment):
                return False
            if _is_below(path, self._root):
                return _INSTALLED.isdisjoint(path[len(self._root) :].split(os.sep))  # noqa: PTH206  # as below
        return False

    def _resolved(self, place: str) -> str:
        folder, name = os.path.split(place)
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = os.path.realpath(folder)
        path = os.path.join(real, name)  # noqa: PTH118  # a Path here is most of the time of a reload
        return os.path.normcase(os.path.realpath(path) if os.path.islink(path) else path)  # noqa: PTH114  # as above


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def _drop_stale_bytecode(module: ModuleType) -> None:
    source, cached = getattr(module, "__file__", None), getattr(module.__spec__, "cached", None)
    if not source or not cached:
        return
    try:
        if Path(source).stat().st_mtime_ns >= Path(cached).stat().st_mtime_ns:
            Path(cached).unlink()
    except OSError:
        return
