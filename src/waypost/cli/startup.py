"""Start an application, and say where in the project it failed if it does."""

from __future__ import annotations

import traceback
from pathlib import Path

from waypost.app.application import Application
from waypost.errors import StartupError
from waypost.routing.importing import is_project_file


async def start_up(application: Application) -> None:
    """Run `application.startup()`. Raises StartupError, with the last line of the project that was running."""
    try:
        await application.startup()
    except StartupError:
        raise
    except Exception as error:
        root = application.config.root
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_project(frame.filename, root)]
        what = "".join(traceback.format_exception_only(error)).strip()
        raise StartupError(
            f"the application could not start: {what}",
            file=frames[-1].filename if frames else None,
            line=frames[-1].lineno if frames else None,
        ) from error


def _is_project(filename: str, root: Path) -> bool:
    return is_project_file(Path(filename), root)
