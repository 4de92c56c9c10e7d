"""`waypost new NAME`: a project that runs, passes its tests, its type check and its linter as it comes.

The files are in `template/`, a project like any other called "my-api"; only that name is replaced.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

TEMPLATE: Final = Path(__file__).parent / "template"
NAME: Final = "my-api"
NAMED: Final = ("README.md", "pyproject.toml")
# Under their real names these two would act on this repository and on the wheel.
RENAMED: Final = {"gitignore": ".gitignore", "env.example": ".env.example"}


@click.command("new", short_help="Make a new project.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Make a new project in FOLDER, which is created; "." is the current folder. No file is overwritten."""
    try:
        files = write_project(folder)
    except FileExistsError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"the project can't be written: {error}") from None
    click.echo(f"Made {project_name(folder)} with {len(files)} files.\n")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shlex.quote(str(folder))}")
    click.echo("  waypost dev       serve it on http://localhost:3000/api/hello and reload as files change")
    click.echo("  waypost check     find mistakes in routes, settings and types")
    click.echo("  pytest            run its tests; README.md says how to install what they need")


def project_name(folder: Path) -> str:
    """The name of the distribution in pyproject.toml: the folder's, in characters that a name may have (PEP 508)."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return name or NAME


def write_project(folder: Path) -> list[Path]:
    """Write the files of a new project below `folder` and list them.

    Raises FileExistsError, before anything is written, when one of them is there already.
    """
    targets = {source: folder / target for source, target in _template_files()}
    taken = [str(path.relative_to(folder)) for path in targets.values() if path.exists()]
    if taken:
        raise FileExistsError(f"{folder} has {', '.join(taken)} already")
    for source, path in targets.items():
        data = source.read_bytes()
        if path.name in NAMED:
            data = data.replace(NAME.encode(), project_name(folder).encode())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(targets.values())


def _template_files() -> Iterator[tuple[Path, Path]]:
    # Not a glob: it would read [id] as a set of characters. Installers compile the folder, hence the caches.
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            target = source.relative_to(TEMPLATE)
            yield source, target.with_name(RENAMED.get(target.name, target.name))
