"""The function that a worker of `waypost start` calls for what it serves. Named by `start`, imported in each worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from waypost.app.application import Application
from waypost.cli.project import open_project
from waypost.errors import StartupError
from waypost.server.worker import Serving


def make_serving(root: str, overrides: dict[str, Any]) -> Serving:
    """Build the project's application for production. Raises StartupErrors with everything that is wrong."""
    config = open_project(Path(root), "production", overrides).config
    application = Application(config)
    return Serving(
        application.handle,
        startup=application.startup,
        shutdown=application.shutdown,
        on_sent=application.response_sent,
        site=application.site,
        config=config,
    )


def make_supervised_serving(root: str, overrides: dict[str, Any]) -> Serving:
    """The same in a worker process, whose supervisor prints the text of an error: here that text is the report."""
    try:
        return make_serving(root, overrides)
    except StartupError as error:
        from waypost.cli.report import render_report

        raise StartupError(render_report(error)) from error
