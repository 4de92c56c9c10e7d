"""What stands before the routes, for `waypost routes`: middleware, configured headers, redirects and rewrites."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from waypost.app.application import Application
from waypost.app.entry import RouteEntry
from waypost.rule import Condition, HeaderRule, RedirectRule, RewriteRule

Row = dict[str, Any]


def describe_rules(application: Application) -> list[Row]:
    """One row of plain data each, in the order in which they apply."""
    root = application.config.root
    config = application.config
    rows = [_rule("headers", rule, {"headers": [list(pair) for pair in rule.headers]}) for rule in config.headers]
    rows += [
        _rule("redirect", rule, {"destination": rule.destination, "status": rule.status}) for rule in config.redirects
    ]
    middleware = application.middleware
    if middleware.file is not None:
        file = middleware.file.relative_to(root).as_posix()
        paths = ["every path"] if middleware.matcher is None else middleware.matcher.sources
        rows += [{"path": path, "kind": "middleware", "file": file} for path in paths]
    rows += [_rule("rewrite", rule, {"destination": rule.destination, "phase": rule.phase}) for rule in config.rewrites]
    return rows


def _rule(kind: str, rule: HeaderRule | RedirectRule | RewriteRule, more: Row) -> Row:
    conditions = {"has": _conditions(rule.has), "missing": _conditions(rule.missing)}
    return {"path": rule.source, "kind": kind, **more, **conditions, "base_path": rule.base_path}


def _conditions(conditions: Iterable[Condition]) -> list[Row]:
    return [dataclasses.asdict(condition) for condition in conditions]


def rule_cells(row: Row) -> tuple[str, str, str]:
    """A row as three texts: what it is, the path it is for, what it does."""
    kind = row["kind"]
    if kind == "middleware":
        return kind, row["path"], row["file"]
    what = ", ".join(name for name, _ in row["headers"]) if kind == "headers" else f"→ {row['destination']}"
    if kind == "redirect":
        what = f"{row['status']} {what}"
    if kind == "rewrite":
        what += f" ({row['phase'].replace('_', ' ')})"
    tests = [
        f"{'has' if name == 'has' else 'missing'} {_shown(test)}" for name in ("has", "missing") for test in row[name]
    ]
    return kind, row["path"], " ".join([what, *(f"[{test}]" for test in tests)])


def _shown(test: Row) -> str:
    value = "" if test["value"] is None else f"={test['value']}"
    return f"{test['type']}{' ' if test['key'] else ''}{test['key']}{value}"


def middleware_of(entry: RouteEntry, root: Path) -> list[str]:
    """The middleware of folders and of the file itself, outermost first: `middleware in app/admin/middleware.py`."""
    return [where.replace(f"{root.as_posix()}/", "") for where in entry.middleware]
