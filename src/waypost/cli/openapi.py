"""`waypost openapi`: the OpenAPI document of the project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from waypost.app.application import Application
from waypost.cli.main import folder_argument
from waypost.cli.project import open_project
from waypost.cli.report import print_warnings
from waypost.openapi.document import openapi_document
from waypost.openapi.text import document_text


@click.command("openapi", short_help="Write the OpenAPI document.")
@folder_argument
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of the terminal."
)
def command(folder: Path, output: Path | None) -> None:
    """Write the OpenAPI 3.1 document of the project in FOLDER, as JSON.

    The same project gives the same text, so the file can be committed; `waypost check` then names what breaks.
    """
    write_output(document_text(read_document(folder)), output)


def read_document(folder: Path) -> dict[str, Any]:
    """The document of a project. Raises StartupErrors with everything that is wrong with it."""
    application = Application(open_project(folder, "production").config)
    print_warnings(application.warnings)
    return openapi_document(application.routes, application.config)


def write_output(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file and say so; a file that has it already is left alone."""
    if output is None:
        # As bytes, because a terminal of another encoding can't hold every name.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        same = output.is_file() and output.read_bytes() == text.encode()
        if not same:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_bytes(text.encode())
    except OSError as error:
        raise click.ClickException(f"{output} can't be written: {error.strerror}") from None
    click.echo(f"{output}: {'nothing new' if same else 'written'}", err=True)
