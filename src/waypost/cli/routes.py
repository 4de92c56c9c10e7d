"""`waypost routes`: what answers which path."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len
from rich.text import Text

from waypost.app.application import Application
from waypost.app.entry import RouteEntry
from waypost.cli.main import folder_argument
from waypost.cli.project import open_project
from waypost.cli.rules import describe_rules, middleware_of, rule_cells
from waypost.cli.terminal import open_console
from waypost.routing.options import SegmentOptions


@click.command("routes", short_help="List the routes of the project.")
@folder_argument
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list for programs.")
def command(folder: Path, as_json: bool) -> None:
    """List the routes of the project in FOLDER: path, methods, file, and the segment options that are set.

    Below them: middleware, and the headers, redirects and rewrites of the settings.
    """
    config = open_project(folder, "production").config
    application = Application(config)
    rules = describe_rules(application)
    if as_json:
        routes = [describe(entry, config.root) for entry in application.routes]
        click.echo(json.dumps([*routes, *rules], indent=2, ensure_ascii=False))
        return
    console = open_console()
    console.print(routes_table(application.routes, config.root), soft_wrap=True)
    if rules:
        console.print("")
        console.print(columns([("Before", "Path", "What"), *map(rule_cells, rules)], set()), soft_wrap=True)


def describe(entry: RouteEntry, root: Path) -> dict[str, Any]:
    """One route as plain data; every option is there, set or not."""
    options: SegmentOptions | None = entry.options
    return {
        "path": entry.pattern,
        "methods": entry.methods,
        "file": entry.file.relative_to(root).as_posix(),
        "kind": entry.kind,
        "middleware": middleware_of(entry, root),
        "options": {} if options is None else dataclasses.asdict(options),
        "error": str(entry.error) if entry.error else None,
    }


def routes_table(routes: Iterable[RouteEntry], root: Path) -> Text:
    """One line a route, in the order in which the table prefers them.

    Not a rich Table: that fits its columns to the terminal, and half a path is of no use.
    """
    rows = [("Path", "Methods", "File", "Options")]
    broken: set[int] = set()
    for entry in routes:
        verbs = ", ".join(method for method in entry.methods if method not in ("HEAD", "OPTIONS")) or entry.allow
        problem = entry.error.message.partition("\n")[0] if entry.error is not None else ""
        file = entry.file.relative_to(root).as_posix()
        if problem:
            broken.add(len(rows))
        rows.append((entry.pattern, "" if problem else verbs, file, problem or options_text(entry.options)))
    return columns(rows, broken)


def columns(rows: Sequence[tuple[str, ...]], broken: Collection[int]) -> Text:
    """Rows of text under each other, the first a heading. broken: the rows to show in red."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = Text()
    for number, row in enumerate(rows):
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        style = "bold" if number == 0 else "red" if number in broken else ""
        text.append("  ".join(cells).rstrip() + "\n", style)
    text.rstrip()
    return text


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
