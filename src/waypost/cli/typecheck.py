"""mypy over a project, each file under a module name of its own.

Plain mypy stops at the second `route.py`, because it can't make a package out of a folder called `[id]`. Here every
file is handed over with the dotted name that it has when Waypost imports it. A program of its own (`python -m
waypost.cli.typecheck FOLDER`), because mypy leaves by sys.exit and wants the project as the current folder.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from waypost.routing.importing import module_name as route_module_name

SKIPPED: Final = frozenset(("__pycache__", "node_modules", "venv", "env", "build", "dist"))


def run_typecheck(root: Path, source_dir: Path) -> int:
    """Run mypy on the project with its own mypy settings; it prints what it finds.

    Returns mypy's exit code: 0 right, 1 type errors, 2 it could not check. Raises ModuleNotFoundError where mypy is not
    installed. A private folder or a test counts too; `exclude` of the settings holds outside of app/.
    """
    import subprocess

    import mypy  # noqa: F401  # asked here, so that the program below can't fail for it

    # -P: the project's own folder must not shadow what mypy imports (a types.py, a queue.py).
    program = [sys.executable, "-P", "-m", "waypost.cli.typecheck", str(source_dir)]
    return subprocess.run(program, cwd=root, check=False).returncode


def main(root: Path, source_dir: Path) -> int:
    """Check the project in the current folder `root`. source_dir: the folder that has `app`."""
    from mypy import build
    from mypy.errors import CompileError
    from mypy.main import process_options
    from mypy.modulefinder import BuildSource

    # "-c pass" stands for the files, which are given below with names that the command line can't express.
    _, options = process_options(["--namespace-packages", "--explicit-package-bases", "-c", "pass"])
    options.mypy_path = [str(source_dir), *options.mypy_path]
    app = source_dir / "app"
    excluded = [re.compile(pattern) for pattern in options.exclude]
    sources = [
        BuildSource(str(file.relative_to(root)), module_name(file, source_dir, root))
        for file in _python_files(root)
        if app in file.parents or not any(p.search(file.relative_to(root).as_posix()) for p in excluded)
    ]
    blocked = False
    try:
        messages = build.build(sources, options).errors
    except CompileError as error:
        messages, blocked = error.messages, True
    for message in messages:
        print(message)
    problems = sum(": error:" in message for message in messages)
    print(f"mypy: {problems} errors in {len(sources)} files" if problems else f"mypy: {len(sources)} files, no errors")
    return 2 if blocked else 1 if problems else 0


def module_name(file: Path, source_dir: Path, root: Path) -> str:
    """The dotted name of a file: as Waypost imports it below app/, and by its folders everywhere else."""
    app_dir = source_dir / "app"
    if app_dir in file.parents:
        return route_module_name(file, app_dir)
    base = source_dir if source_dir in file.parents else root
    parts = file.relative_to(base).with_suffix("").parts
    # Nothing imports a folder with a dot in its name; it only must not be split.
    return ".".join(part.replace(".", "_") for part in parts).removesuffix(".__init__")


def _python_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not _is_foreign(Path(folder, name)))
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _is_foreign(folder: Path) -> bool:
    """Tools keep their own files in hidden folders and virtual environments; `.well-known` is a route."""
    return (folder.name.startswith(".") and folder.name != ".well-known") or (folder / "pyvenv.cfg").exists()


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), Path(sys.argv[1])))
