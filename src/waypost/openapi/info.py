"""The head of a document: title, version, servers. From [tool.waypost.openapi], else from [project]."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from waypost.config import Config


def document_head(config: Config) -> dict[str, Any]:
    """The members `info` and `servers`."""
    said = config.openapi
    project = _project(config.root / "pyproject.toml")
    info: dict[str, Any] = {"title": said.title or project.get("name") or config.root.name or "API"}
    for name, text in (
        ("summary", said.summary),
        ("description", said.description or project.get("description")),
        ("termsOfService", said.terms_of_service),
        ("contact", said.contact),
        ("license", said.license),
    ):
        if text:
            info[name] = text
    info["version"] = said.version or project.get("version") or "0.0.0"
    servers = [dict(server) for server in said.servers] or [{"url": config.base_path or "/"}]
    return {"info": info, "servers": servers}


def _project(file: Path) -> dict[str, str]:
    """The texts of [project]; config.py has already reported a file that is no TOML."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in table.items() if isinstance(value, str)} if isinstance(table, dict) else {}
