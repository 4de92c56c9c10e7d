"""The handlers of a route module: which functions answer which verbs, and what was probably meant where none does.

Looks at values and names; calls nothing. How a handler is called is the app's matter.
Source: Next.js, "Route Handlers"; its dev server warns of lower-case and default exports, here they are errors.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CoroutineType, FunctionType, MethodType
from typing import Any, Final, TypeAlias, cast

from waypost.errors import StartupError
from waypost.routing.source import Source

HandlerFunction: TypeAlias = Callable[..., Any]

VERBS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
WEBSOCKET: Final = "WEBSOCKET"
PAGE_EXPORTS: Final = ("page",)

# What other frameworks call the one function of a file.
_DEFAULTS: Final = ("handler", "default", "handle", "endpoint", "route", "main", "index", "view", "app")
_UNKNOWN_VERBS: Final = ("TRACE", "CONNECT", "QUERY", "PROPFIND", "ALL", "ANY", "FALLBACK", "UPGRADE")


def read_handlers(
    names: Mapping[str, object], source: Source, verbs: Sequence[str] = VERBS
) -> tuple[dict[str, HandlerFunction], list[StartupError]]:
    """Take the handlers out of a module's names.

    verbs: the names that answer requests, in the order in which the result has them.
    Returns what is usable, and everything that is wrong.
    """
    handlers: dict[str, HandlerFunction] = {}
    errors: list[StartupError] = []
    for verb in verbs:
        if verb not in names:
            continue
        value = names[verb]
        problem = _problem(verb, value)
        if problem is None:
            handlers[verb] = cast("HandlerFunction", value)
        else:
            errors.append(StartupError(problem[0], file=source.file, line=source.line(verb), remedy=problem[1]))
    errors += _near_misses(names, source, verbs)
    if not handlers and not errors:
        errors.append(_nothing(names, source, verbs))
    return handlers, errors


def read_page(names: Mapping[str, object], source: Source) -> tuple[dict[str, HandlerFunction], list[StartupError]]:
    """Take the function `page` out of a page module; it answers GET."""
    if "page" not in names and any(verb in names for verb in VERBS):
        verb = next(verb for verb in VERBS if verb in names)
        remedy = "Call the function `page`, or rename the file to route.py if it is no page."
        message = f"page.py exports {verb}, which only a route.py answers"
        return {}, [StartupError(message, file=source.file, line=source.line(verb), remedy=remedy)]
    handlers, errors = read_handlers(names, source, PAGE_EXPORTS)
    return ({"GET": handlers["page"]} if handlers else {}), errors


def _problem(verb: str, value: object) -> tuple[str, str] | None:
    """What is wrong with the value of an exported verb, and the remedy."""
    if isinstance(value, CoroutineType):
        value.close()  # otherwise Python warns that it was never awaited, on top of this report
        return f"{verb} is a coroutine, not a function", "Remove the parentheses: export the function, not its call."
    if isinstance(value, type):
        remedy = f"Write `{_form(verb)}`, or export an object that has `__call__`."
        return f"{verb} is a class; calling it makes an object, not a response", remedy
    if not callable(value):
        return f"{verb} is {_article(value)}, not a function", f"Write `{_form(verb)}`."
    inner: Any = value
    while isinstance(inner, functools.partial):
        inner = inner.func
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        if verb == WEBSOCKET:
            return f"{verb} is a generator: it yields, and sends nothing", "Write `await socket.send(...)`."
        remedy = f"Move the generator into a function of its own and return Response(that_function()) from {verb}."
        return f"{verb} is a generator: it yields, and never returns a response", remedy
    return None


def _form(verb: str) -> str:
    return f"async def {verb}({'socket' if verb == WEBSOCKET else 'request'})"


def _article(value: object) -> str:
    kind = "None" if value is None else type(value).__name__
    return kind if value is None else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _near_misses(names: Mapping[str, object], source: Source, verbs: Sequence[str]) -> Iterable[StartupError]:
    """Report functions written in this file whose name is nearly a verb that the file does not export."""
    for name, value in names.items():
        if not _is_function(value):
            continue
        meant = _meant(name, verbs)
        if meant is None or (meant in names and meant != name) or not source.defines(name):
            continue
        file, line = source.file, source.line(name)
        if meant not in verbs:
            message = f"{name} answers nothing: Waypost has no such method"
            yield StartupError(message, file=file, line=line, remedy=f"A route exports {_listed(verbs)}.")
        else:
            remedy = f"Rename it to {meant}, or to _{name} if it is not meant to answer requests."
            yield StartupError(f"{name} answers nothing, the verb is {meant}", file=file, line=line, remedy=remedy)


def _meant(name: str, verbs: Sequence[str]) -> str | None:
    if name in verbs or name.startswith("_"):
        return None
    upper = name.upper()
    if upper in verbs:
        return upper
    if not name.isupper() or not verbs[0].isupper():
        return None
    if name in _UNKNOWN_VERBS:
        return name
    import difflib

    near = difflib.get_close_matches(name, verbs, n=1, cutoff=0.75)
    return near[0] if near else None


def _is_function(value: object) -> bool:
    # A class `Post` or a dict `options` is an ordinary name; only a function looks like a handler.
    return isinstance(value, FunctionType | MethodType | functools.partial)


def _nothing(names: Mapping[str, object], source: Source, verbs: Sequence[str]) -> StartupError:
    wanted = f"Export {_listed(verbs)}: `async def {verbs[0]}(request)`."
    for name in _DEFAULTS:
        if _is_function(names.get(name)) and source.defines(name):
            remedy = f"Rename {name} to the verb that it answers. {wanted}"
            message = f"{name} answers nothing, and no verb is exported"
            return StartupError(message, file=source.file, line=source.line(name), remedy=remedy)
    return StartupError("this file answers nothing: it exports no handler", file=source.file, remedy=wanted)


def _listed(verbs: Sequence[str]) -> str:
    return verbs[0] if len(verbs) == 1 else f"{', '.join(verbs[:-1])} or {verbs[-1]}"
