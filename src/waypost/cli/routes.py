"""`waypost routes`: what answers which path."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from waypost.app.application import Application
from waypost.app.entry import RouteEntry
from waypost.cli.project import folder_argument, open_project
from waypost.cli.terminal import open_console
from waypost.routing.options import SegmentOptions


@click.command("routes", short_help="List the routes of the project.")
@folder_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list for programs.")
def command(folder: Path, as_json: bool) -> None:
    """List the routes of the project in FOLDER: path, methods, file, and the segment options that are set."""
    config = open_project(folder, "production").config
    routes = Application(config).routes
    if as_json:
        click.echo(json.dumps([describe(entry, config.root) for entry in routes], indent=2, ensure_ascii=False))
        return
    # Cells are never cut: a path that ends in … is of no use, and a pipe has no width.
    open_console().print(routes_table(routes, config.root), soft_wrap=True, crop=False, no_wrap=True)


def describe(entry: RouteEntry, root: Path) -> dict[str, Any]:
    """One route as plain data; every option is there, set or not."""
    options: SegmentOptions | None = entry.options
    return {
        "path": entry.pattern,
        "methods": entry.methods,
        "file": entry.file.relative_to(root).as_posix(),
        "kind": entry.kind,
        "options": {} if options is None else dataclasses.asdict(options),
        "error": str(entry.error) if entry.error else None,
    }


def routes_table(routes: Iterable[RouteEntry], root: Path) -> Table:
    """One row a route, in the order in which the table prefers them."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("Path", "Methods", "File", "Options"):
        table.add_column(name, overflow="fold", no_wrap=True)
    for entry in routes:
        file = entry.file.relative_to(root).as_posix()
        if entry.error is not None:
            message = entry.error.message.partition("\n")[0]
            table.add_row(Text(entry.pattern, "red"), "", file, Text(message, "red"))
        else:
            verbs = ", ".join(method for method in entry.methods if method not in ("HEAD", "OPTIONS"))
            table.add_row(entry.pattern, verbs or entry.allow, file, options_text(entry.options))
    return table


def options_text(options: SegmentOptions | None) -> str:
    """The options that differ from their defaults: `dynamic=force-static, revalidate=60`."""
    if options is None:
        return ""
    values = ((field.name, getattr(options, field.name), field.default) for field in dataclasses.fields(options))
    # `0 == False`, and for revalidate they are opposites.
    return ", ".join(
        f"{name}={_plain(value)}" for name, value, usual in values if (type(value), value) != (type(usual), usual)
    )


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
