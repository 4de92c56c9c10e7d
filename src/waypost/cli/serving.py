"""The function that a worker of `waypost start` calls for what it serves. Named by `start`, imported in each worker."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from waypost.app.application import Application
from waypost.cli.project import open_project
from waypost.cli.startup import start_up
from waypost.errors import StartupError
from waypost.openapi.serving import open_application
from waypost.server.service import Upgrade
from waypost.server.worker import Serving


def make_serving(root: str, overrides: dict[str, Any]) -> Serving:
    """Build the project's application for production. Raises StartupErrors with everything that is wrong."""
    config = open_project(Path(root), "production", overrides).config
    application = open_application(config)
    return Serving(
        application.handle,
        startup=partial(start_up, application),
        shutdown=application.shutdown,
        on_sent=application.response_sent,
        site=application.site,
        config=config,
        instant=application.instant,
        upgrade=websockets_of(application),
    )


def websockets_of(application: Application) -> Upgrade | None:
    """What answers requests for WebSockets; loaded only where a route has use for it."""
    if not application.has_sockets:
        return None
    from waypost.server.websocket import upgrade

    return upgrade


def make_supervised_serving(root: str, overrides: dict[str, Any]) -> Serving:
    """The same in a worker process, whose supervisor prints the text of an error: here that text is the report."""
    try:
        serving = make_serving(root, overrides)
    except StartupError as error:
        raise _as_report(error) from error
    start = serving.startup
    assert start is not None

    async def startup() -> None:
        try:
            await start()
        except StartupError as error:
            raise _as_report(error) from error

    return serving._replace(startup=startup)


def _as_report(error: StartupError) -> StartupError:
    from waypost.cli.report import render_report

    return StartupError(render_report(error))
