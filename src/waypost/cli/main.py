"""`waypost`: the command line.

Each command lives in a file of its own, imported when it is called, so that `waypost --help` loads click and nothing
else, and `waypost start` loads no terminal formatting. A StartupError that leaves a command is reported here.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from waypost.errors import StartupError

# For the time in the ready line: nearly the start of the process.
BEGAN: Final = time.perf_counter()
# command → what it does; `waypost.cli.<command>` has a click command `command`.
COMMANDS: Final[Mapping[str, str]] = {
    "new": "Make a new project.",
    "dev": "Serve the project and reload it as files change.",
    "build": "Run the static handlers and keep their answers.",
    "start": "Serve the project in production.",
    "routes": "List the routes of the project.",
    "openapi": "Write the OpenAPI document.",
    "client": "Write a typed client.",
    "check": "Find everything that is wrong before it runs.",
}


class Commands(click.Group):
    """The commands by name, loaded when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"waypost.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            ctx.fail(f'there is no command "{args[0]}".' + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)


F = TypeVar("F", bound=Callable[..., Any])


def folder_argument(command: F) -> F:
    """Give a command the optional argument FOLDER, as the absolute `folder: Path`.

    The command then runs as if it had been started there: a file that the project names without a folder, as
    `posts.db`, is the same one either way.
    """
    kind = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.argument("folder", type=kind, default=Path(), callback=_enter)(command)


def _enter(ctx: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    if not ctx.resilient_parsing:
        os.chdir(folder)
    return Path.cwd()


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"waypost {version('waypost')} (Python {sys.version.split()[0]})")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Route handlers as Next.js has them, in Python: a folder of files is the API.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def group() -> None:
    """Hold the commands; does nothing itself."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 something is wrong with the project, 2 wrong usage."""
    try:
        group()
    except StartupError as error:
        from waypost.cli.report import print_report

        print_report(error)
        sys.exit(1)
