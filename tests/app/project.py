"""A project written from a dict of files, and an application over it."""

from __future__ import annotations

from pathlib import Path

from waypost.app.application import Application
from waypost.config import load_config
from waypost.routing.importing import forget_project_modules


def write_project(root: Path, files: dict[str, str]) -> Path:
    """files: path below the project → text. A path without a folder that starts with `app/` is taken as it is."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def make_application(root: Path, files: dict[str, str], *, dev: bool = False, **settings: object) -> Application:
    write_project(root, files)
    forget_project_modules(root)
    return Application(load_config(root, "development" if dev else "production", settings, environ={}))
