"""Configured headers, redirects and rewrites, and the conditions that matchers share with them, as values.

Checks shapes and names only: what a path pattern means is routing's matter, what a rule does the application's. The
readers raise ValueError with words that complete "redirects …", as `setting.py` wants it.
Source: Next.js, `headers`, `redirects`, `rewrites` and `matcher` with `has` and `missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast, get_args

from waypost.errors import InvalidURLError, StartupError
from waypost.http.origins import Origins
from waypost.http.url import URL
from waypost.setting import Kind

ConditionType: TypeAlias = Literal["header", "cookie", "query", "host"]
Phase: TypeAlias = Literal["before_files", "after_files", "fallback"]
R = TypeVar("R")

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a request must have, or must not have. key: "" for host. value: a regular expression or None."""

    type: ConditionType
    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """Headers for the answers to some paths. base_path: whether the source is below the application's base path."""

    source: str
    headers: tuple[tuple[str, str], ...]
    has: tuple[Condition, ...] = ()
    missing: tuple[Condition, ...] = ()
    base_path: bool = True


@dataclass(frozen=True, slots=True)
class RedirectRule:
    """A redirect. base_path: whether source and destination are below the application's base path."""

    source: str
    destination: str
    status: int
    has: tuple[Condition, ...] = ()
    missing: tuple[Condition, ...] = ()
    base_path: bool = True


@dataclass(frozen=True, slots=True)
class RewriteRule:
    """A rewrite. phase: before all routes and files, after those without parameters, or after all of them."""

    source: str
    destination: str
    phase: Phase = "after_files"
    has: tuple[Condition, ...] = ()
    missing: tuple[Condition, ...] = ()
    base_path: bool = True


def read_conditions(value: object, what: str) -> tuple[Condition, ...]:
    """Read a `has` or `missing` list. what: its name, for the ValueError."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list in {what}")
    return tuple(_condition(item, what) for item in cast("Iterable[object]", value))


def _condition(item: object, what: str) -> Condition:
    table = _table(item, ("type", "key", "value"), what)
    kind = table.get("type")
    if kind not in get_args(ConditionType):
        raise ValueError(f"needs a type in {what}: header, cookie, query or host")
    key, value = table.get("key", ""), table.get("value")
    if not isinstance(key, str) or not (value is None or isinstance(value, str)):
        raise ValueError(f"must have texts as key and value in {what}")
    if kind == "host" and (key or not value):
        raise ValueError(f"needs a value and no key for a host in {what}")
    if kind != "host" and not key:
        raise ValueError(f"needs a key for a {kind} in {what}")
    return Condition(cast("ConditionType", kind), key, value)


def _table(item: object, known: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise ValueError(f"must be tables with {', '.join(known)}: {where} is none")
    table = {str(key).replace("-", "_"): value for key, value in cast("Mapping[object, Any]", item).items()}
    for key in table:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.5)
            raise ValueError(f'has no "{key}" in {where}{f": did you mean {near[0]}?" if near else ""}')
    return table


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"needs a text as {key} in {where}")
    return value


def _shared(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    base_path = table.get("base_path", True)
    if not isinstance(base_path, bool):
        raise ValueError(f"must have true or false as base_path in {where}")
    return {
        "has": read_conditions(table.get("has"), f"has of {where}"),
        "missing": read_conditions(table.get("missing"), f"missing of {where}"),
        "base_path": base_path,
    }


def _header_rule(item: object, where: str) -> HeaderRule:
    table = _table(item, ("source", "headers", "has", "missing", "base_path"), where)
    fields = table.get("headers")
    pairs: list[tuple[str, str]] = []
    if isinstance(fields, Mapping):
        pairs = [(str(key), value) for key, value in cast("Mapping[object, Any]", fields).items()]
    elif isinstance(fields, list | tuple):
        for field in cast("Iterable[object]", fields):
            row = _table(field, ("key", "value"), f"headers of {where}")
            pairs.append((_text(row, "key", f"headers of {where}"), row.get("value", "")))
    if not pairs or not all(isinstance(value, str) for _, value in pairs):
        raise ValueError(f"needs headers, names and texts, in {where}")
    return HeaderRule(_text(table, "source", where), tuple(pairs), **_shared(table, where))


def _redirect_rule(item: object, where: str) -> RedirectRule:
    known = ("source", "destination", "permanent", "status", "has", "missing", "base_path")
    table = _table(item, known, where)
    permanent, status = table.get("permanent"), table.get("status")
    if (permanent is None) == (status is None):
        raise ValueError(f"needs either permanent = true or false, or a status, in {where}")
    if permanent is not None and not isinstance(permanent, bool):
        raise ValueError(f"must have true or false as permanent in {where}")
    if status is None:
        status = 308 if permanent else 307
    if isinstance(status, bool) or status not in _REDIRECTS:
        raise ValueError(f"must have 301, 302, 303, 307 or 308 as status in {where}")
    destination = _text(table, "destination", where)
    return RedirectRule(_text(table, "source", where), destination, status, **_shared(table, where))


def _rewrite_rule(phase: Phase) -> Callable[[object, str], RewriteRule]:
    def read(item: object, where: str) -> RewriteRule:
        table = _table(item, ("source", "destination", "has", "missing", "base_path"), where)
        destination = _text(table, "destination", where)
        return RewriteRule(_text(table, "source", where), destination, phase, **_shared(table, where))

    return read


def _list(read: Callable[[object, str], R], value: object, name: str) -> tuple[R, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of tables")
    return tuple(read(item, f"{name} {number}") for number, item in enumerate(cast("Iterable[object]", value), 1))


def _value(value: object, text: bool) -> object:
    if not text or not isinstance(value, str):
        return value
    import json

    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"must be JSON ({error})") from None


def _headers(value: object, text: bool) -> tuple[HeaderRule, ...]:
    return _list(_header_rule, _value(value, text), "rule")


def _redirects(value: object, text: bool) -> tuple[RedirectRule, ...]:
    return _list(_redirect_rule, _value(value, text), "rule")


def _rewrites(value: object, text: bool) -> tuple[RewriteRule, ...]:
    value = _value(value, text)
    if not isinstance(value, Mapping):
        return _list(_rewrite_rule("after_files"), value, "rule")
    table = _table(value, PHASES, "rewrites")
    return tuple(
        rule for phase in PHASES for rule in _list(_rewrite_rule(phase), table.get(phase, ()), f"{phase} rule")
    )


def _origins(value: object, text: bool) -> tuple[str, ...]:
    items = value.replace(",", " ").split() if text and isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError('must be a list of origins, as ["https://api.example.com"]')
    return tuple(_origin(item) for item in cast("Iterable[object]", items))


def _origin(item: object) -> str:
    try:
        url = URL(item) if isinstance(item, str) else None
    except InvalidURLError:
        url = None
    if url is None or url.protocol not in ("http:", "https:") or url.href != f"{url.origin}/":
        raise ValueError(f"holds {item!r}: an origin is scheme, host and port, as https://api.example.com")
    return url.origin


def _websocket_origins(value: object, text: bool) -> tuple[str, ...]:
    items = value.replace(",", " ").split() if text and isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError('must be a list of origins, as ["https://app.example"]')
    origins = tuple(cast("Iterable[str]", items))
    try:
        Origins(origins)
    except StartupError as error:
        raise ValueError(f"holds what is no origin: {error.message}") from None
    return origins


HEADER_RULES: Final = Kind("list of rules", _headers)
REDIRECT_RULES: Final = Kind("list of rules", _redirects)
REWRITE_RULES: Final = Kind("list of rules", _rewrites)
ORIGINS: Final = Kind("list of origins", _origins)
WEBSOCKET_ORIGINS: Final = Kind("list of origins", _websocket_origins)
