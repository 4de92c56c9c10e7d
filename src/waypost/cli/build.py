"""`waypost build`: run the static handlers, and keep their answers for `waypost start`."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from waypost.app.application import Application
from waypost.app.prerender import Prerendered, prerender, store_fence
from waypost.cli.main import folder_argument
from waypost.cli.project import open_project
from waypost.cli.report import print_warnings
from waypost.cli.terminal import open_console
from waypost.manifest import BuiltRoute, write_build
from waypost.server.worker import new_event_loop

SYMBOLS = {"static": "○", "generated": "●", "dynamic": "ƒ"}
_LEGEND = (
    ("○", "static", "answered from the cache"),
    ("●", "generated", "answered from the cache, paths from generate_static_params"),
    ("ƒ", "dynamic", "runs for every request"),
)
_SHOWN_PATHS = 3


@click.command("build", short_help="Run the static handlers and keep their answers.")
@folder_argument
def command(folder: Path) -> None:
    """Build the project in FOLDER for `waypost start`.

    Handlers with `dynamic = "force-static"` or "error", with `revalidate`, or with generate_static_params() run once,
    and `waypost start` answers with what they gave. Exit code 1 when one of them fails.
    """
    project = open_project(folder, "production")
    print_warnings(project.env.warnings)
    application = Application(project.config)
    print_warnings(application.warnings)
    console = open_console()
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=new_event_loop) as runner, _progress() as on_progress:
        built = runner.run(_build(application, on_progress))
    write_build(project.config.root, built.manifest, built.entries)
    print_warnings(built.warnings)
    console.print(build_table(built.manifest.routes), soft_wrap=True)
    seconds = time.perf_counter() - began
    answers = len(built.entries)
    console.print(
        Text(f"\nbuilt {answers} answer{'' if answers == 1 else 's'} in {seconds:.1f} s into .waypost/build", "dim")
    )


async def _build(application: Application, on_progress: Callable[[str, int, int], object]) -> Prerendered:
    fence = await store_fence(application)
    await application.cache.start_for_build()
    try:
        return await prerender(application, fence, on_progress)
    finally:
        await application.shutdown()


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar where somebody watches; elsewhere nothing, as logs are read afterwards."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda path, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("building"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[path]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, path="")
        yield lambda path, done, total: bar.update(task, completed=done, total=total, path=path)


def build_table(routes: Iterable[BuiltRoute]) -> Text:
    """One line a route, a few of its generated paths below it, and what the symbols mean."""
    rows: list[tuple[str, ...]] = [("", "Path", "Methods", "Size", "Revalidate", "Expire")]
    styles = ["bold"]
    for route in routes:
        cached = route.kind != "dynamic"
        times = (_seconds(route.revalidate), _seconds(route.expire)) if cached and route.revalidate else ("", "")
        size = _size(route.size) if route.answers else ""
        rows.append((SYMBOLS[route.kind], route.pattern, ", ".join(route.methods), size, *times))
        styles.append("")
        shown = route.paths if len(route.paths) <= _SHOWN_PATHS + 1 else route.paths[:_SHOWN_PATHS]
        rows += [("", f"  {path}", "", "", "", "") for path in shown]
        hidden = len(route.paths) - len(shown)
        rows += [("", f"  and {hidden} more", "", "", "", "")] if hidden else []
        styles += ["dim"] * (len(shown) + bool(hidden))
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = Text()
    for row, style in zip(rows, styles, strict=True):
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        text.append("  ".join(cells).rstrip() + "\n", style)
    for symbol, name, meaning in _LEGEND:
        text.append(f"\n{symbol}  {name:<10} {meaning}", "dim")
    return text


def _seconds(value: float | None) -> str:
    """`2s`, `1m`, `1d`, `1y`: the largest unit that is exact."""
    if value is None:
        return ""
    for name, unit in (("y", 31_536_000), ("d", 86_400), ("h", 3600), ("m", 60)):
        if value >= unit and value % unit == 0:
            return f"{value / unit:g}{name}"
    return f"{value:g}s"


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
