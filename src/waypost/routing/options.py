"""Segment options: the module constants that say how a route is treated, read and checked at start-up.

The names and values are Next.js's in snake_case; `runtime = "python"` and `max_body_size` are ours. What an option
does is the business of the cache and the dispatcher.
Source: Next.js, "Route Segment Config".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from waypost.errors import StartupError
from waypost.routing.source import Source
from waypost.rule import WEBSOCKET_ORIGINS
from waypost.setting import SIZE

Dynamic: TypeAlias = Literal["auto", "force-dynamic", "error", "force-static"]
FetchCache: TypeAlias = Literal[
    "auto", "default-cache", "only-cache", "force-cache", "force-no-store", "default-no-store", "only-no-store"
]
Runtime: TypeAlias = Literal["python", "nodejs", "edge", "experimental-edge"]

_DYNAMIC: Final = get_args(Dynamic)
_FETCH_CACHE: Final = get_args(FetchCache)
_RUNTIME: Final = get_args(Runtime)
_LONGEST: Final = 60  # characters of a value in a message
_GENERATE: Final = "generate_static_params"


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """The options of one route.

    revalidate: seconds; False is "until it is revalidated by hand", None is not set, 0 is never cached.
    max_duration: seconds, a hint to hosts. preferred_region: empty when not set. max_body_size: bytes, None takes
    the setting of the application. websocket_origins: whose pages may open a WebSocket beside our own, None takes the
    setting. openapi: False leaves the route out of the OpenAPI document.
    """

    dynamic: Dynamic = "auto"
    revalidate: int | Literal[False] | None = None
    dynamic_params: bool = True
    fetch_cache: FetchCache = "auto"
    runtime: Runtime = "python"
    max_duration: int | None = None
    preferred_region: tuple[str, ...] = ()
    max_body_size: int | None = None
    websocket_origins: tuple[str, ...] | None = None
    openapi: bool = True

    @property
    def edge(self) -> bool:
        """True for both spellings of the edge runtime."""
        return self.runtime in ("edge", "experimental-edge")


class _BadValueError(Exception):
    """Completes the sentence "revalidate …"; remedy: what to write."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def _choice(allowed: Collection[str]) -> Callable[[object], Any]:
    def read(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        listed = ", ".join(f'"{item}"' for item in allowed)
        raise _BadValueError(f"can't be {_shown(value)}", f"{_nearest(value, allowed)}It is one of {listed}.")

    return read


def _read_revalidate(value: object) -> int | Literal[False] | None:
    if value is None or value is False:
        return value
    if isinstance(value, int) and value is not True and value >= 0:
        return value
    raise _BadValueError(f"can't be {_shown(value)}", "Write whole seconds, False (no expiry) or 0 (never cached).")


def _read_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _BadValueError(f"can't be {_shown(value)}", "Write True or False.")


def _read_duration(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise _BadValueError(f"can't be {_shown(value)}", "Write whole seconds, 1 or more.")


def _read_region(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    items = list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]
    regions = tuple(item for item in items if isinstance(item, str) and item)
    if regions and len(regions) == len(items):
        return regions
    raise _BadValueError(f"can't be {_shown(value)}", 'Write a region or a list of them: ["fra1", "iad1"].')


def _read_size(value: object) -> int | None:
    if value is None:
        return None
    try:
        return int(SIZE.read(value, False))
    except ValueError:
        remedy = 'Write bytes (1_000_000) or a text with its unit ("10mb").'
        raise _BadValueError(f"can't be {_shown(value)}", remedy) from None


def _read_origins(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    try:
        return WEBSOCKET_ORIGINS.read([value] if isinstance(value, str) else value, False)  # type: ignore[no-any-return]  # its kind says
    except ValueError as error:
        raise _BadValueError(str(error), 'Write a list of origins: ["https://app.example"].') from None


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "dynamic": _choice(_DYNAMIC),
    "revalidate": _read_revalidate,
    "dynamic_params": _read_flag,
    "fetch_cache": _choice(_FETCH_CACHE),
    "runtime": _choice(_RUNTIME),
    "max_duration": _read_duration,
    "preferred_region": _read_region,
    "max_body_size": _read_size,
    "websocket_origins": _read_origins,
    "openapi": _read_flag,
}
_NAMES: Final = (*_READERS, _GENERATE)
_FOLDED: Final = {name.replace("_", ""): name for name in _NAMES}


def read_options(names: Mapping[str, object], source: Source) -> tuple[SegmentOptions, list[StartupError]]:
    """Take the options out of a module's names. Returns them with everything that is wrong; a wrong one is left out."""
    values: dict[str, Any] = {}
    errors: list[StartupError] = []
    for name, read in _READERS.items():
        if name in names:
            try:
                values[name] = read(names[name])
            except _BadValueError as wrong:
                line = source.line(name)
                errors.append(StartupError(f"{name} {wrong.what}", file=source.file, line=line, remedy=wrong.remedy))
    for name, value in names.items():
        meant = _meant(name, value)
        if meant is not None and meant not in names and source.defines(name):
            remedy = f"Rename it to {meant}, or to _{name} if it is no option."
            line = source.line(name)
            errors.append(StartupError(f"{name} is not an option", file=source.file, line=line, remedy=remedy))
    options = SegmentOptions(**values)
    return options, errors + [
        StartupError(message, file=source.file, line=source.line(name), remedy=remedy)
        for name, message, remedy in _contradictions(options, _GENERATE in names)
    ]


def _contradictions(options: SegmentOptions, generates: bool) -> list[tuple[str, str, str]]:
    """Pairs of options that can't both be meant: (name to point at, message, remedy)."""
    found: list[tuple[str, str, str]] = []
    revalidate = options.revalidate
    # `0 == False` in Python, and they mean the opposite here.
    never_cached = revalidate is not False and revalidate == 0
    if options.dynamic in ("force-static", "error") and never_cached:
        message = f'dynamic = "{options.dynamic}" caches the answer and revalidate = 0 forbids it'
        found.append(("revalidate", message, "Keep one of them."))
    if options.dynamic == "force-dynamic" and revalidate is not None and not never_cached:
        message = f'dynamic = "force-dynamic" never caches and revalidate = {revalidate} does'
        found.append(("revalidate", message, "Keep one of them."))
    if options.edge and generates:
        message = f'runtime = "{options.runtime}" and {_GENERATE} exclude each other, as in Next.js'
        found.append(("runtime", message, 'Remove one; runtime = "python" has no such limit.'))
    if options.edge and (options.dynamic in ("force-static", "error") or (revalidate is not None and not never_cached)):
        message = f'runtime = "{options.runtime}" is never cached, so the caching options have no effect'
        found.append(("runtime", message, 'Remove one; runtime = "python" has no such limit.'))
    return found


def useless_options(
    options: SegmentOptions, names: Mapping[str, object], source: Source, *, verbs: Collection[str], params: bool
) -> list[StartupError]:
    """Options that change nothing in this file: warnings, since the route works.

    verbs: what the file exports. params: the path has parameters.
    """
    found: list[tuple[str, str, str]] = []
    static = options.dynamic in ("force-static", "error") or options.revalidate
    if verbs and "GET" not in verbs and (static or options.revalidate is False):
        name = "revalidate" if options.revalidate is not None else "dynamic"
        found.append((name, f"{name} has no effect: only GET is ever cached", "Remove it, or export GET."))
    if _GENERATE in names and not params:
        found.append((_GENERATE, f"{_GENERATE} has no effect: the path has no parameters", "Remove it."))
    if not options.dynamic_params and _GENERATE not in names:
        message = "dynamic_params = False has no effect"
        if params:
            message = f"dynamic_params = False without {_GENERATE} answers 404 to every request"
        found.append(("dynamic_params", message, f"Add {_GENERATE}, or remove it."))
    return [
        StartupError(message, file=source.file, line=source.line(name), remedy=remedy)
        for name, message, remedy in found
    ]


def read_generate_static_params(
    names: Mapping[str, object], source: Source
) -> tuple[Callable[..., Any] | None, list[StartupError]]:
    """Take the function `generate_static_params` out of a module's names."""
    value = names.get(_GENERATE)
    if _GENERATE not in names or (callable(value) and not isinstance(value, type)):
        return value if callable(value) else None, []
    remedy = f"Write `async def {_GENERATE}()` that returns a list of dicts."
    message = f"{_GENERATE} is not a function but {_shown(value)}"
    return None, [StartupError(message, file=source.file, line=source.line(_GENERATE), remedy=remedy)]


def _meant(name: str, value: object) -> str | None:
    """The option that a name was probably meant to be: `dynamicParams`, `REVALIDATE`, `revalidates`."""
    if name in _NAMES or name.startswith("_"):
        return None
    folded = name.replace("_", "").lower()
    if folded in _FOLDED:
        return _FOLDED[folded]
    if not isinstance(value, str | int | float | list | tuple | None):
        return None
    # Healthy files end here: difflib costs more than all the rest of reading a route.
    similar = [option for option in _FOLDED if option[0] == folded[:1] and abs(len(option) - len(folded)) <= 2]
    if not similar:
        return None
    import difflib

    # Close enough for a typing slip, too far for a word that only resembles an option.
    near = difflib.get_close_matches(folded, similar, n=1, cutoff=0.9)
    meant = _FOLDED[near[0]] if near else None
    return meant if meant is not None and _may_be(meant, value) else None


def _may_be(name: str, value: object) -> bool:
    """Say whether the option could hold `value`: a list called `run_times` is not a misspelt `runtime`."""
    try:
        _READERS[name](value)
    except (_BadValueError, KeyError):
        return False
    return True


def _nearest(value: object, allowed: Collection[str]) -> str:
    import difflib

    near = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.6)
    return f'Did you mean "{near[0]}"? ' if near else ""


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, (bool, int, float, list, tuple)):
        text = repr(cast("object", value))
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return f"a {type(value).__name__}"
