"""A project folder → route entries and the table: what happens at start-up, in order."""

from __future__ import annotations

from dataclasses import dataclass

from waypost.app.binding import bind
from waypost.app.entry import Endpoint, RouteEntry
from waypost.app.public_files import public_entries
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors
from waypost.routing.load import LoadedRoute, load_route
from waypost.routing.route_file import RouteFile
from waypost.routing.scan import scan
from waypost.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Built:
    """What a project came to: its entries, the strongest first, the table that finds them, and what looked odd."""

    entries: list[RouteEntry]
    table: RouteTable[RouteEntry]
    warnings: list[StartupError]
    errors: list[StartupError]


def build(config: Config) -> Built:
    """Scan, load and bind every route file.

    Raises StartupErrors with all mistakes at once. In development it raises nothing: a mistake inside one file
    becomes the error of its entry, two files that claim one path share one, and the rest of the application works.
    """
    found = scan(config.app_dir)
    errors = list(found.errors)
    warnings = list(found.warnings)
    routes: list[tuple[RouteFile, RouteEntry]] = []
    for file in found.routes:
        problem = found.broken.get(file.file)
        if problem is None:
            try:
                routes.append((file, _entry(file, config, warnings)))
                continue
            except StartupErrors as mistakes:
                errors.extend(mistakes.errors)
                problem = mistakes.errors[0] if len(mistakes.errors) == 1 else mistakes
            except StartupError as mistake:
                errors.append(mistake)
                problem = mistake
        routes.append((file, RouteEntry(file.pattern, file.file, file.kind, {}, error=problem)))
    if errors and not config.dev:
        raise StartupErrors(errors)
    table = RouteTable.build(
        routes,
        public=public_entries(config.public_dir),
        base_path=config.base_path,
        trailing_slash=config.trailing_slash,
        skip_trailing_slash_redirect=config.skip_trailing_slash_redirect,
        tolerant=config.dev,
    )
    return Built([entry for _, entry in routes], table, warnings, errors)


def _entry(file: RouteFile, config: Config, warnings: list[StartupError]) -> RouteEntry:
    loaded = load_route(file, config.app_dir)
    warnings.extend(loaded.warnings)
    endpoints = _bind_all(loaded, file)
    own_limit = loaded.options.max_body_size
    return RouteEntry(
        file.pattern,
        file.file,
        file.kind,
        endpoints,
        options=loaded.options,
        max_body_size=config.max_body_size if own_limit is None else own_limit,
        streams_body=own_limit is not None,
    )


def _bind_all(loaded: LoadedRoute, file: RouteFile) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    errors: list[StartupError] = []
    for verb, handler in loaded.handlers.items():
        try:
            endpoints[verb] = bind(handler, verb, file.file)
        except StartupError as error:
            errors.append(error)
    if errors:
        raise StartupErrors(errors)
    return endpoints
