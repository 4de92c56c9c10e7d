"""Read a project anew inside the process that serves it: `.env` files, settings, modules, routes.

What can't be used leaves the old application in its place. Knows no server and no file watcher.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from waypost.app.application import Application
from waypost.cli.project import Project, open_project
from waypost.config import SETTINGS, Config
from waypost.routing.load import forget_project_modules

# What the server has read when it began to listen; a new value takes effect with the next `waypost dev`.
SERVER_GROUPS = ("Server", "Time")


async def load_application(root: Path, overrides: Mapping[str, object]) -> tuple[Application, Project]:
    """Build and start the application of the project in development mode.

    Mistakes in route files are in `application.errors`. Raises StartupError for settings or files that can't be read,
    and whatever the start-up code of the project raises.
    """
    project = open_project(root, "development", overrides)
    forget_project_modules(root)
    application = Application(project.config)
    await application.startup()
    return application, project


def settings_for_restart(old: Config, new: Config) -> list[str]:
    """Name the changed settings that only a restart applies."""
    names = [name for name, setting in SETTINGS.items() if setting.group in SERVER_GROUPS]
    return [name for name in names if getattr(old, name) != getattr(new, name)]
