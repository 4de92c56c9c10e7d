"""Matcher: which requests a piece of middleware is for, as `config = {"matcher": ...}` says it.

Reads the value, whoever computed it, and compiles it; every mistake is one with its place in the pattern.
Source: Next.js, Proxy, `config.matcher`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from waypost.app.conditions import ConditionError, Conditions
from waypost.app.rules import point_at
from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.routing.matcher import PathPattern, PathSet
from waypost.routing.regex_tree import PatternError
from waypost.rule import Condition, read_conditions

_KEYS = ("source", "has", "missing")


class Matcher:
    """Compiled patterns. sources: as written, those with conditions marked, for listings."""

    __slots__ = ("_conditional", "_plain", "patterns", "sources")

    def __init__(self, items: list[tuple[PathPattern, Conditions]]) -> None:
        self.patterns = [pattern for pattern, _ in items]
        self.sources = [
            f"{pattern.source}{' (with conditions)' if conditions else ''}" for pattern, conditions in items
        ]
        self._plain = PathSet(pattern for pattern, conditions in items if not conditions)
        self._conditional = [(PathSet([pattern]), conditions) for pattern, conditions in items if conditions]

    @property
    def conditional(self) -> bool:
        """Whether more than the path decides."""
        return bool(self._conditional)

    def covers(self, request: Request, path: str) -> bool:
        """Whether the middleware is for this request. path: canonical, as it is routed. Raises InvalidPath."""
        if self._plain.matches(path):
            return True
        return any(
            paths.matches(path) and conditions.check(request, request.query_string) is not None
            for paths, conditions in self._conditional
        )


def read_config(value: object, *, base_path: str, file: Path, line: int | None) -> Matcher | None:
    """The matcher of a module's `config`; None when it has none and covers everything.

    Raises StartupError for a value that can't be meant.
    """

    def wrong(message: str, remedy: str = "") -> StartupError:
        return StartupError(message, file=file, line=line, remedy=remedy)

    if not isinstance(value, Mapping):
        raise wrong("config must be a dict", 'Write config = {"matcher": "/api/:path*"}.')
    config = dict(cast("Mapping[object, Any]", value))
    if "matcher" not in config:
        remedy = 'Write config = {"matcher": "/api/:path*"}, or remove config to cover every path.'
        raise wrong("config has no matcher", remedy)
    unknown = [key for key in config if key != "matcher"]
    if unknown:
        raise wrong(f"config has no {unknown[0]!r}", "It holds a matcher and nothing else.")
    matcher = config["matcher"]
    entries = list(matcher) if isinstance(matcher, list | tuple) else [matcher]
    if not entries:
        raise wrong("the matcher is empty, so the middleware would never run", "Name a path, or remove config.")
    return Matcher([_read_entry(entry, base_path, wrong) for entry in entries])


def _read_entry(entry: object, base_path: str, wrong: Any) -> tuple[PathPattern, Conditions]:
    has: tuple[Condition, ...] = ()
    missing: tuple[Condition, ...] = ()
    source = entry
    if isinstance(entry, Mapping):
        table = dict(cast("Mapping[object, Any]", entry))
        unknown = [key for key in table if key not in _KEYS]
        if unknown:
            raise wrong(f"a matcher has no {unknown[0]!r}", f"It has {', '.join(_KEYS)}.")
        source = table.get("source")
        try:
            has = read_conditions(table.get("has"), f"has of {source}")
            missing = read_conditions(table.get("missing"), f"missing of {source}")
        except ValueError as error:
            raise wrong(f"the matcher {error}") from None
    if not isinstance(source, str):
        remedy = 'A matcher is a path pattern, as "/api/:path*", a dict with a source, or a list of these.'
        raise wrong(f"a matcher can't be {type(source).__name__}", remedy)
    try:
        return PathPattern(source, base_path), Conditions(has, missing)
    except PatternError as error:
        raise wrong(f"the matcher: {point_at(source, error)}", error.remedy) from None
    except ConditionError as error:
        raise wrong(
            f"a condition of the matcher {source}: {point_at(error.text, error.error)}", error.error.remedy
        ) from None
