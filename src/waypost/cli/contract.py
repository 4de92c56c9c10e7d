"""The committed OpenAPI document against the project as it is: what `waypost check` says of it."""

from __future__ import annotations

import json
from typing import Any

from waypost.app.application import Application
from waypost.errors import StartupError, StartupErrors
from waypost.openapi.compare import Change, breaking_changes
from waypost.openapi.document import documented, openapi_document


def check_contract(application: Application) -> str | None:
    """Compare with the committed document. Gives a line to print; None where there is no such file.

    Raises StartupErrors that name every breaking change with its route file, StartupError where the file is no
    document.
    """
    file = application.config.root / application.config.openapi_file
    if not file.is_file():
        return None
    name = application.config.openapi_file.as_posix()
    remedy = f"Write it: waypost openapi -o {name}"
    try:
        old = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise StartupError(f"this file can't be read: {error}", file=file, remedy=remedy) from None
    if not isinstance(old, dict) or not isinstance(old.get("paths"), dict):
        raise StartupError("this file is no OpenAPI document", file=file, remedy=remedy)
    new = openapi_document(application.routes, application.config)
    changes = breaking_changes(old, new)
    if changes:
        raise StartupErrors([_error(change, application, name) for change in changes])
    if old != new:
        return f"{name}: nothing breaks, but it is not up to date: waypost openapi -o {name}"
    return f"{name}: up to date"


def _error(change: Change, application: Application, name: str) -> StartupError:
    entries: dict[str, Any] = {path.path: entry for path, entry in documented(application.routes, application.config)}
    entry = entries.get(change.path)
    remedy = f"If it is meant to break clients: waypost openapi -o {name}"
    if entry is None:
        return StartupError(f"breaks clients: {change}", file=application.config.openapi_file, remedy=remedy)
    operation = entry.operations.get(change.verb)
    line = operation.line if operation is not None and operation.file == entry.file else None
    return StartupError(f"breaks clients: {change}", file=entry.file, line=line, remedy=remedy)
