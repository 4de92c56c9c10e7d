"""`waypost client`: a typed client of the project, in TypeScript or Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from waypost.cli.main import folder_argument
from waypost.cli.openapi import read_document, write_output


@click.command("client", short_help="Write a typed client.")
@folder_argument
@click.option("--ts", "language", flag_value="ts", help="One TypeScript file, without dependencies.")
@click.option("--python", "language", flag_value="python", help="One Python file, on httpx2.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of the terminal."
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="An openapi.json to read in place of the project, where it is not at hand.",
)
def command(folder: Path, language: str | None, output: Path | None, source: Path | None) -> None:
    """Write a typed client of the project in FOLDER: one file, made of its routes and their annotations.

    The same project gives the same file; its first line says how it was made.
    """
    if language is None:
        raise click.UsageError("say for which language: --ts or --python")
    document = read_document(folder) if source is None else _read(source)
    from waypost.clients import write_python, write_typescript

    words = ["waypost client", f"--{language}"]
    words += [f"--from {source.as_posix()}"] if source is not None else []
    words += [f"-o {output.as_posix()}"] if output is not None else []
    write = write_typescript if language == "ts" else write_python
    write_output(write(document, " ".join(words)), output)


def _read(source: Path) -> dict[str, Any]:
    try:
        document = json.loads(source.read_bytes())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{source} can't be read: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict) or "info" not in document:
        raise click.ClickException(f"{source} is no OpenAPI document")
    return document
