"""Read a project anew inside the process that serves it: `.env` files, settings, modules, routes.

What can't be used leaves the old application in its place. Knows no server and no file watcher.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from waypost.app.application import Application
from waypost.cli.project import Project, open_project
from waypost.cli.startup import start_up
from waypost.config import SETTINGS, Config
from waypost.openapi.serving import open_application
from waypost.routing.load import forget_project_modules

# What the server has read when it began to listen; a new value takes effect with the next `waypost dev`.
SERVER_GROUPS = ("Server", "Time", "WebSockets")
# The application's own, for all that they stand there.
READ_ANEW = ("websocket_origins", "websocket_close_timeout")


async def load_application(root: Path, overrides: Mapping[str, object]) -> tuple[Application, Project]:
    """Build and start the application of the project in development mode.

    Mistakes in route files are in `application.errors`. Raises StartupError for settings or files that can't be read,
    and when the start-up code of the project fails.
    """
    project = open_project(root, "development", overrides)
    forget_project_modules(root)
    with _outside_the_loop():
        application = open_application(project.config)
    await start_up(application)
    return application, project


@contextlib.contextmanager
def _outside_the_loop() -> Iterator[None]:
    """Let the modules of the project be imported as `waypost start` imports them: before any event loop runs.

    Otherwise an `asyncio.run(...)` at the top of a module would work in production and fail here. A thread would do it
    too, but what a module opens may belong to the thread that opened it (SQLite).
    """
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


def settings_for_restart(old: Config, new: Config) -> list[str]:
    """Name the changed settings that only a restart applies."""
    names = [name for name, setting in SETTINGS.items() if setting.group in SERVER_GROUPS and name not in READ_ANEW]
    return [name for name in names if getattr(old, name) != getattr(new, name)]
