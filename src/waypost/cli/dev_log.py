"""What `waypost dev` prints while it serves: a line for each request, errors with the lines of the project.

Takes the place of production's log on the logger "waypost"; other loggers stay as the project set them up.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from waypost.cli.report import print_report
from waypost.cli.traceback import render_traceback
from waypost.errors import StartupError

STATUS_STYLES: Final = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}
LEVEL_STYLES: Final = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}


def print_request(console: Console, method: str, path: str, status: int, seconds: float) -> None:
    """Print `GET /api/posts 200 in 1.2 ms`. path: as the client sent it."""
    shown = path if path.isprintable() else ascii(path)[1:-1]
    milliseconds = seconds * 1000
    line = Text(f"{method:<7} {shown} ")
    line.append(str(status), STATUS_STYLES.get(status // 100, ""))
    line.append(f" in {milliseconds:.1f} ms" if milliseconds < 10 else f" in {milliseconds:.0f} ms", "dim")
    console.print(line, soft_wrap=True)


class DevLog(logging.Handler):
    """A handler that prints a record's message and, in short, its traceback.

    root: the folder of the project, whose lines a traceback keeps.
    """

    def __init__(self, console: Console, root: Path) -> None:
        super().__init__()
        self.console = console
        self.root = root

    def emit(self, record: logging.LogRecord) -> None:
        """Print `record`. A StartupError among its arguments is printed as a report, with the line it is about."""
        try:
            error = record.exc_info[1] if record.exc_info else None
            startup = [item for item in record.args or () if isinstance(item, StartupError)]
            message = record.getMessage() if not startup else str(record.msg % tuple(_brief(record.args)))
            self.console.print(Text(message, LEVEL_STYLES.get(record.levelno, "")), soft_wrap=True)
            if isinstance(error, StartupError):
                startup.append(error)
            elif error is not None:
                self.console.print(render_traceback(error, self.root), soft_wrap=True)
            for item in startup:
                print_report(item, self.console)
        except Exception:
            self.handleError(record)


def _brief(arguments: object) -> tuple[object, ...]:
    """The arguments of a record with each StartupError by its first line only: the report below it has the rest."""
    items = arguments if isinstance(arguments, tuple) else (arguments,)
    return tuple(item.message.partition("\n")[0] if isinstance(item, StartupError) else item for item in items)


def log_to(console: Console, root: Path) -> DevLog:
    """Send the logger "waypost" to `console` and nowhere else."""
    logger = logging.getLogger("waypost")
    handler = DevLog(console, root)
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    return handler
