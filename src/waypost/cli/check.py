"""`waypost check`: everything that is wrong before a request comes, in one run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from waypost.app.application import Application
from waypost.cli.main import folder_argument
from waypost.cli.project import open_project
from waypost.cli.report import print_report, print_warnings
from waypost.cli.typecheck import run_typecheck
from waypost.config import Config
from waypost.errors import StartupError


@click.command("check", short_help="Find everything that is wrong before it runs.")
@folder_argument
@click.option("--types/--no-types", default=True, help="Check the types with mypy, which has to be installed.")
def command(folder: Path, types: bool) -> None:
    """Check settings, routes, exports and segment options of the project in FOLDER, and its types.

    Where an openapi.json is committed, what the routes are is compared with it, and what breaks clients is named.
    Exit code 1 when something is wrong.
    """
    good = _check_startup(folder)
    if types and not _check_types(folder):
        good = False
    sys.exit(0 if good else 1)


def _check_startup(root: Path) -> bool:
    try:
        project = open_project(root, "production")
        print_warnings(project.env.warnings)
        application = Application(project.config)
    except StartupError as error:
        print_report(error)
        return False
    print_warnings(application.warnings)
    routes = len(application.routes)
    click.echo(f"routes: {routes} route{'' if routes == 1 else 's'}, no problems")
    return _check_contract(application)


def _check_contract(application: Application) -> bool:
    from waypost.cli.contract import check_contract

    try:
        line = check_contract(application)
    except StartupError as error:
        print_report(error)
        return False
    if line is not None:
        click.echo(line)
    return True


def _check_types(root: Path) -> bool:
    sys.stdout.flush()  # mypy writes to the same place by itself
    try:
        # The settings may be what is wrong; where the folders are does not depend on them.
        return run_typecheck(root, Config(root=root).source_dir) == 0
    except ModuleNotFoundError:
        click.echo("types: not checked; `pip install mypy` makes this command check them, or pass --no-types")
        return True
