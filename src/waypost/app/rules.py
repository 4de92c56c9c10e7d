"""Configured headers, redirects and rewrites, compiled: what each does to a request.

The order in which they apply is the pipeline's. Mistakes in patterns are StartupErrors that show the place.
Source: Next.js, `headers`, `redirects` and `rewrites` of next.config.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from waypost.app.conditions import ConditionError, Conditions
from waypost.app.destination import Destination, append_values, check_external_path
from waypost.app.dispatch import redirect_response
from waypost.app.way import overlay
from waypost.errors import InvalidHeaderError, StartupError
from waypost.http.headers import Headers
from waypost.http.location import render_location
from waypost.http.request import Request
from waypost.http.response import Response
from waypost.routing.matcher import Captures, PathPattern
from waypost.routing.pattern import encode_segment
from waypost.routing.regex_tree import PatternError
from waypost.routing.template import Template
from waypost.rule import HeaderRule, RedirectRule, RewriteRule

R = TypeVar("R", HeaderRule, RedirectRule, RewriteRule)
C = TypeVar("C")

_KINDS = ("headers", "redirects", "rewrites")


def point_at(text: str, error: PatternError) -> str:
    """The message of a mistake, and the text with a mark below it."""
    return f"{error.message}\n  {text}\n  {' ' * error.column}^"


class _Source:
    """The path pattern and the conditions of one rule."""

    __slots__ = ("conditions", "names", "pattern")

    def __init__(self, rule: HeaderRule | RedirectRule | RewriteRule, base_path: str) -> None:
        self.pattern = PathPattern(rule.source, base_path if rule.base_path else "")
        self.conditions = Conditions(rule.has, rule.missing)
        self.names: Collection[str] = {*self.pattern.names, *self.conditions.captures}

    def match(self, request: Request, path: str, query: str, encoded: bool) -> tuple[Captures, dict[str, str]] | None:
        """encoded: only spellings in which the values can stand in a URL as they are."""
        values = self.pattern.find(path, encoded=encoded)
        if values is None:
            return None
        captured = self.conditions.check(request, query)
        return None if captured is None else (values, captured)


class CompiledHeaders:
    """One rule for headers."""

    __slots__ = ("_constant", "_fields", "rule", "source")

    def __init__(self, rule: HeaderRule, base_path: str) -> None:
        self.rule = rule
        self.source = _Source(rule, base_path)
        names = self.source.names
        self._fields = [(Template(name, names), Template(value, names)) for name, value in rule.headers]
        constant = all(name.constant is not None and value.constant is not None for name, value in self._fields)
        self._constant = self._filled({}) if constant else None

    @property
    def always(self) -> Headers | None:
        """The headers, when they depend on nothing but the path's matching."""
        return None if self.source.conditions else self._constant

    def fields(self, request: Request, path: str) -> Headers | None:
        """What this rule puts on the answer to a request."""
        found = self.source.match(request, path, request.query_string, encoded=False)
        if found is None:
            return None
        return self._constant if self._constant is not None else self._filled({**found[0], **found[1]})

    def _filled(self, values: Captures) -> Headers:
        return Headers(
            [(name.fill(values, _in_header), value.fill(values, _in_header)) for name, value in self._fields]
        )


def _in_header(value: str) -> str:
    return value if value.isascii() and value.isprintable() else encode_segment(value)


class CompiledRedirect:
    """One redirect."""

    __slots__ = ("_destination", "rule", "source")

    def __init__(self, rule: RedirectRule, base_path: str) -> None:
        self.rule = rule
        self.source = _Source(rule, base_path)
        self._destination = Destination(rule.destination, self.source.names, base_path if rule.base_path else "")

    def response(self, request: Request, path: str) -> Response | None:
        """The redirect, when this rule is for the request."""
        found = self.source.match(request, path, request.query_string, encoded=True)
        if found is None:
            return None
        target, query, fragment = self._destination.fill(*found, request.query_string)
        location = render_location(f"{self._destination.origin}{target}{f'?{query}' if query else ''}{fragment}")
        return redirect_response(location, self.rule.status)


class CompiledRewrite:
    """One rewrite."""

    __slots__ = ("_destination", "rule", "source")

    def __init__(self, rule: RewriteRule, base_path: str) -> None:
        self.rule = rule
        self.source = _Source(rule, base_path)
        self._destination = Destination(rule.destination, self.source.names, base_path if rule.base_path else "")

    @property
    def external(self) -> bool:
        return bool(self._destination.origin)

    def target(self, request: Request, path: str, query: str) -> tuple[str, str, str] | None:
        """Origin ("" for this application), path and query that the request is rewritten to.

        Raises InvalidPath for a path that must not go to another server.
        """
        found = self.source.match(request, path, query, encoded=True)
        if found is None:
            return None
        target, query, _ = self._destination.fill(*found, query)
        origin = self._destination.origin
        if not origin:
            return "", target, query
        check_external_path(target)
        if not self._destination.uses_parameters:
            query = append_values(query, found[0])
        return origin, target, query


@dataclass(frozen=True, slots=True)
class Rules:
    """All configured rules, in order."""

    headers: tuple[CompiledHeaders, ...] = ()
    redirects: tuple[CompiledRedirect, ...] = ()
    before_files: tuple[CompiledRewrite, ...] = ()
    after_files: tuple[CompiledRewrite, ...] = ()
    fallback: tuple[CompiledRewrite, ...] = ()

    @property
    def rewrites(self) -> bool:
        """Whether there is any rewrite."""
        return bool(self.before_files or self.after_files or self.fallback)

    @property
    def patterns(self) -> list[PathPattern]:
        """The patterns of all sources."""
        rewrites = (*self.before_files, *self.after_files, *self.fallback)
        rules: list[CompiledHeaders | CompiledRedirect | CompiledRewrite] = [*self.headers, *self.redirects, *rewrites]
        return [rule.source.pattern for rule in rules]

    def fields(self, request: Request, path: str) -> Headers | None:
        """The configured headers for the answer to a request; of one name the last rule's."""
        joined: Headers | None = None
        for rule in self.headers:
            fields = rule.fields(request, path)
            if fields is not None:
                joined = fields if joined is None else overlay(joined, fields)
        return joined

    def redirect(self, request: Request, path: str) -> Response | None:
        """The first redirect that is for a request."""
        for rule in self.redirects:
            response = rule.response(request, path)
            if response is not None:
                return response
        return None


def compile_rules(
    headers: Iterable[HeaderRule],
    redirects: Iterable[RedirectRule],
    rewrites: Iterable[RewriteRule],
    *,
    base_path: str,
    file: Path,
) -> tuple[Rules, list[StartupError]]:
    """Compile the rules of the settings. file: pyproject.toml, for errors. Returns what is right, and what is not."""
    errors: list[StartupError] = []

    def compiled(kind: str, make: Callable[[R, str], C], rules: Iterable[R]) -> list[C]:
        found: list[C] = []
        for rule in rules:
            try:
                found.append(make(rule, base_path))
            except (PatternError, ConditionError, InvalidHeaderError, ValueError) as error:
                errors.append(_startup_error(kind, rule, error, file))
        return found

    all_headers = compiled("headers", CompiledHeaders, headers)
    all_redirects = compiled("redirects", CompiledRedirect, redirects)
    all_rewrites = compiled("rewrites", CompiledRewrite, rewrites)
    if any(rule.external for rule in all_rewrites) and (missing := _missing_client(file)) is not None:
        errors.append(missing)
    phases = {
        phase: tuple(rule for rule in all_rewrites if rule.rule.phase == phase)
        for phase in ("before_files", "after_files", "fallback")
    }
    return Rules(tuple(all_headers), tuple(all_redirects), **phases), errors


def _startup_error(
    kind: str, rule: HeaderRule | RedirectRule | RewriteRule, error: Exception, file: Path
) -> StartupError:
    line = _line_of(file, kind, rule.source)
    if isinstance(error, ConditionError):
        message = f"{kind}: a condition of {rule.source}: {point_at(error.text, error.error)}"
        return StartupError(message, file=file, line=line, remedy=error.error.remedy)
    if isinstance(error, PatternError):
        return StartupError(f"{kind}: {point_at(rule.source, error)}", file=file, line=line, remedy=error.remedy)
    if isinstance(error, InvalidHeaderError):
        return StartupError(f"{kind} of {rule.source}: {error}", file=file, line=line)
    destination = "" if isinstance(rule, HeaderRule) else f" {rule.destination}"
    return StartupError(f"{kind}: the destination{destination} of {rule.source} {error}", file=file, line=line)


def _line_of(file: Path, kind: str, source: str) -> int | None:
    """The line of the file that has the source of a rule; the parser of TOML does not tell.

    kind: "headers", "redirects" or "rewrites", whose name stands above; two kinds may have the same source.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    spellings = (f"'{source}'", '"' + source.replace("\\", "\\\\").replace('"', '\\"') + '"')
    section, found = "", None
    for number, line in enumerate(lines, 1):
        section = next((name for name in _KINDS if name in line), section)
        # Quoted, since a source like "/x" is part of many other texts.
        if "source" in line and any(text in line for text in spellings):
            if section == kind:
                return number
            found = found or number
    return found


def _missing_client(file: Path) -> StartupError | None:
    from importlib.util import find_spec

    if find_spec("httpx2") is not None:
        return None
    message = "a rewrite leads to another server, and the package that fetches from there is not installed"
    return StartupError(message, file=file, remedy='Install it: pip install "waypost[fetch]"')
