"""Import route files and read what they export: handlers, segment options, generate_static_params.

Everything that is wrong with a file is found in one pass, and with all files in one call. Knows no Request: what a
handler takes and gives is the app's matter.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from waypost.errors import StartupError, StartupErrors
from waypost.routing.exports import VERBS, HandlerFunction, read_handlers, read_page
from waypost.routing.import_failure import explain_import
from waypost.routing.importing import forget_project_modules, module_name, open_project
from waypost.routing.options import SegmentOptions, read_generate_static_params, read_options, useless_options
from waypost.routing.route_file import RouteFile
from waypost.routing.source import Source

__all__ = [
    "VERBS",
    "LoadReport",
    "LoadedRoute",
    "forget_project_modules",
    "load_module",
    "load_route",
    "load_routes",
]


@dataclass(frozen=True, slots=True)
class LoadedRoute:
    """A route file that is ready to be bound.

    module: None for `page.html`, which is sent as it is. handlers: verb → function, in the order of `VERBS`; the
    function `page` of a `page.py` stands under GET. warnings: likely mistakes that leave the route working.
    """

    file: RouteFile
    module: ModuleType | None
    handlers: Mapping[str, HandlerFunction]
    options: SegmentOptions = field(default_factory=SegmentOptions)
    generate_static_params: Callable[..., Any] | None = None
    warnings: tuple[StartupError, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The outcome for many files. failed: route file → its error; errors: each mistake once, warnings too."""

    routes: tuple[LoadedRoute, ...]
    errors: tuple[StartupError, ...] = ()
    warnings: tuple[StartupError, ...] = ()
    failed: Mapping[Path, StartupError] = field(default_factory=dict[Path, StartupError])


def load_module(file: Path, app_dir: Path) -> ModuleType:
    """Import a Python file of the project, below `app_dir` or beside it, under its natural name, once a process.

    Raises StartupError when it, or a module that it imports, fails; `__cause__` is the exception.
    """
    open_project(app_dir)
    try:
        return importlib.import_module(module_name(file, app_dir))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    # BaseException: redirect() at the top of a module, or sys.exit(), is the file's mistake as well.
    except BaseException as error:
        raise explain_import(error, file, app_dir.parent) from error


def load_route(file: RouteFile, app_dir: Path, *, verbs: Sequence[str] = VERBS) -> LoadedRoute:
    """Import one route file and read its exports.

    Raises StartupError, or StartupErrors with everything that is wrong with it.
    """
    if file.file.suffix != ".py":
        return LoadedRoute(file, None, {})
    module = load_module(file.file, app_dir)
    names = vars(module)
    source = Source(file.file)
    handlers, errors = read_page(names, source) if file.kind == "page" else read_handlers(names, source, verbs)
    options, wrong_options = read_options(names, source)
    generate, wrong_generate = read_generate_static_params(names, source)
    errors = [*errors, *wrong_options, *wrong_generate]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise StartupErrors(sorted(errors, key=lambda error: error.line or 0))
    warnings = useless_options(options, names, source, verbs=handlers, params=bool(file.params))
    return LoadedRoute(file, module, handlers, options, generate, tuple(warnings))


def load_routes(files: Iterable[RouteFile], app_dir: Path, *, verbs: Sequence[str] = VERBS) -> LoadReport:
    """Load all files, the broken ones not in the way of the others. Raises nothing."""
    routes: list[LoadedRoute] = []
    failed: dict[Path, StartupError] = {}
    errors: list[StartupError] = []
    for file in files:
        try:
            routes.append(load_route(file, app_dir, verbs=verbs))
        except StartupError as error:
            failed[file.file] = error
            errors.append(error)
    warnings = tuple(warning for route in routes for warning in route.warnings)
    return LoadReport(tuple(routes), tuple(_distinct(errors)), warnings, failed)


def _distinct(errors: Iterable[StartupError]) -> list[StartupError]:
    """Each mistake once, in order: ten routes that import one broken module have one mistake between them."""
    found: dict[tuple[str, str], StartupError] = {}
    for error in errors:
        for single in error.errors if isinstance(error, StartupErrors) else [error]:
            what = repr(single.__cause__) if single.__cause__ else single.message
            found.setdefault((single.place, what), single)
    return list(found.values())
