"""StartupErrors for people: where, the line itself, what is wrong, what to do.

The first line of each is `file:line: message`, which editors and CI logs turn into links. Goes to stderr.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import open_console, short_path
from waypost.errors import StartupError, StartupErrors


def print_report(error: StartupError, console: Console | None = None) -> None:
    """Print every error once, in the order of files and lines, and how many there are."""
    console = console or open_console(stderr=True)
    errors = sorted(dict.fromkeys(flatten(error)), key=_order)
    for item in errors:
        # Wrapping would tear the places apart that an editor looks for.
        console.print(_render(item), soft_wrap=True)
    console.print(Text(f"{len(errors)} problem{'s' if len(errors) > 1 else ''} found", "bold red"))


def render_report(error: StartupError) -> str:
    """The report as text, coloured when stderr is a terminal; for a process that hands it to another one."""
    console = open_console(stderr=True)
    with console.capture() as captured:
        print_report(error, console)
    return captured.get().rstrip()


def print_warnings(warnings: Iterable[StartupError | str], console: Console | None = None) -> None:
    """Print what is probably wrong and stops nothing, in the same form."""
    console = console or open_console(stderr=True)
    for warning in warnings:
        error = StartupError(warning) if isinstance(warning, str) else warning
        console.print(_render(error, "yellow", "warning: "), soft_wrap=True, end="")


def flatten(error: StartupError) -> Iterator[StartupError]:
    """The single errors inside `error`, which may hold several."""
    if isinstance(error, StartupErrors):
        for item in error.errors:
            yield from flatten(item)
    else:
        yield error


def _order(error: StartupError) -> tuple[str, int]:
    return (str(error.file or ""), error.line or 0)


def _render(error: StartupError, style: str = "red", label: str = "") -> Text:
    text = Text()
    if error.file is not None:
        text.append(short_path(error.file), "bold")
        text.append(f":{error.line}: " if error.line else ": ")
    text.append(f"{label}{error.message}\n", style)
    source = "" if "\n" in error.message else _source_line(error)  # such a message shows the line itself
    if source:
        text.append(f"  {error.line} | ", "dim").append(f"{source}\n")
    if error.remedy:
        text.append(f"  {error.remedy}\n", "green")
    return text


def _source_line(error: StartupError) -> str:
    # A file of settings may hold secrets, and reports end up in logs.
    if error.file is None or not error.line or error.file.name.startswith(".env"):
        return ""
    linecache.checkcache(str(error.file))
    return linecache.getline(str(error.file), error.line).strip()
