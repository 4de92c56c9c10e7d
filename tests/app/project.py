"""A project written from a dict of files, and an application over it."""

from __future__ import annotations

import sys
from pathlib import Path

from waypost.app.application import Application
from waypost.config import load_config
from waypost.routing.importing import ProjectFinder, forget_project_modules


def write_project(root: Path, files: dict[str, str]) -> Path:
    """files: path below the project → text. A path without a folder that starts with `app/` is taken as it is."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def close_projects() -> None:
    """Leave the import system as it was; for fixtures that live longer than the one that does so after each test."""
    for finder in [finder for finder in sys.meta_path if isinstance(finder, ProjectFinder)]:
        sys.meta_path.remove(finder)
        if finder.added_path in sys.path:
            sys.path.remove(finder.added_path)
        forget_project_modules(finder.app_dir.parent)


def make_application(root: Path, files: dict[str, str], *, dev: bool = False, **settings: object) -> Application:
    write_project(root, files)
    forget_project_modules(root)
    return Application(load_config(root, "development" if dev else "production", settings, environ={}))
