"""A project folder → route entries and the table: what happens at start-up, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from waypost.app.binding import Place, bind_operation
from waypost.app.chain import additions_of
from waypost.app.context import Params
from waypost.app.context_params import check_context
from waypost.app.entry import Endpoint, RouteEntry
from waypost.app.instrumentation import validation_hook
from waypost.app.layers import Ending, Layer, ended, unwrapped
from waypost.app.middleware import FolderMiddleware, RootMiddleware, load_root, route_layers
from waypost.app.operation import Additions, Operation
from waypost.app.pages import page_endpoint
from waypost.app.preflight import preflight_endpoint
from waypost.app.public_files import public_entries, serve_file
from waypost.app.returns import declared_responses
from waypost.app.rules import Rules, compile_rules
from waypost.app.static_path import PathTemplate
from waypost.app.static_routes import StaticRoute, is_static
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors
from waypost.http.origins import Origins
from waypost.routing.exports import WEBSOCKET
from waypost.routing.load import LoadedRoute, load_routes
from waypost.routing.scan import scan
from waypost.routing.source import Source
from waypost.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Built:
    """What a project came to: its entries, the strongest first, the table that finds them, and what looked odd."""

    entries: list[RouteEntry]
    table: RouteTable[RouteEntry]
    warnings: list[StartupError]
    errors: list[StartupError]
    root: RootMiddleware
    rules: Rules
    layers: list[tuple[RouteEntry, tuple[Layer, ...]]]
    variable: frozenset[int]  # the ids of entries whose path has parameters


def build(
    config: Config,
    validation_error: Callable[..., Any] | None = None,
    own: Sequence[tuple[str, RouteEntry]] = (),
) -> Built:
    """Scan, load and bind every route file.

    validation_error: that of the project, for files without their own. own: path and entry of what Waypost answers
    where the project does not.
    Raises StartupErrors with all mistakes at once. In development it does so for the rules of the settings only: a
    mistake inside one file becomes the error of its entry, two files that claim one path share one, and the rest of the
    application works.
    """
    found = scan(config.app_dir)
    sound = [file for file in found.routes if file.file not in found.broken]
    report = load_routes(sound, config.app_dir)
    failed = {**report.failed, **found.broken}
    root = load_root(config)
    folders = FolderMiddleware(config, [middleware.file for middleware in found.middleware])
    file = config.root / "pyproject.toml"
    rules, wrong_rules = compile_rules(
        config.headers, config.redirects, config.rewrites, base_path=config.base_path, file=file
    )
    errors = [*found.errors, *report.errors, *root.errors, *folders.errors, *wrong_rules]
    entries: dict[Path, RouteEntry] = {}
    layers: list[tuple[RouteEntry, tuple[Layer, ...]]] = []
    for loaded in report.routes:
        route = loaded.file
        try:
            entry = entries[route.file] = _entry(loaded, config, validation_error)
            listed = route_layers(vars(loaded.module), route.file) if loaded.module is not None else ()
            before = (*folders.layers(route.middleware), *listed)
            layers.append((entry, before))
            _describe_layers(entry, root, before)
        except StartupError as mistake:
            mistakes = mistake.errors if isinstance(mistake, StartupErrors) else [mistake]
            errors.extend(error for error in mistakes if error not in folders.errors)
            failed[route.file] = mistake
    for route in found.routes:
        if route.file in failed:
            entries[route.file] = RouteEntry(route.pattern, route.file, route.kind, {}, error=failed[route.file])
    routes = [(route, entries[route.file]) for route in found.routes]
    # Half of the settings is worse than those from before: a header that protects something may be in the other half.
    if wrong_rules or (errors and not config.dev):
        raise StartupErrors(errors)
    table = RouteTable.build(
        routes,
        public=public_entries(config.public_dir),
        spare=own,
        base_path=config.base_path,
        trailing_slash=config.trailing_slash,
        skip_trailing_slash_redirect=config.skip_trailing_slash_redirect,
        tolerant=config.dev,
        make_params=Params,
    )
    warnings = [*_unseen_folder(config), *found.warnings, *report.warnings, *root.warnings]
    variable = frozenset(id(entry) for route, entry in routes if route.params)
    return Built([entry for _, entry in routes], table, warnings, errors, root, rules, layers, variable)


def _unseen_folder(config: Config) -> Iterator[StartupError]:
    """What is in `src/app` answers nothing once there is an `app` (Next.js)."""
    unseen = config.root / "src" / "app"
    if config.app_dir != unseen and unseen.is_dir():
        yield StartupError(
            "nothing in this folder is served, because there is an app folder beside src",
            file=unseen,
            remedy="Move the routes into one of the two.",
        )


def _describe_layers(entry: RouteEntry, root: RootMiddleware, layers: Iterable[Layer]) -> None:
    """Add to the operations of a route what the middleware before it says of them."""
    above: list[Additions] = []
    for layer, certain in (
        *((layer, root.matcher is None) for layer in root.layers),
        *((layer, layer.covers is None) for layer in layers),
    ):
        if layer.additions is not None:
            # A matcher may let this route pass by; what it may be refused with is told all the same.
            above.append(layer.additions if certain else Additions(responses=layer.additions.responses))
    if above:
        entry.operations = {
            verb: replace(operation, additions=(*above, *operation.additions))
            for verb, operation in entry.operations.items()
        }


def _entry(loaded: LoadedRoute, config: Config, validation_error: Callable[..., Any] | None) -> RouteEntry:
    file = loaded.file
    own_limit = loaded.options.max_body_size
    endpoints, endings, operations = _endpoints(loaded, config)
    static = StaticRoute(loaded, config, endpoints["GET"]) if is_static(loaded) else None
    if static is not None:
        static.must_cover(operations["GET"])
        endpoints["GET"] = static
    for verb, ending in endings:
        endpoints[verb] = ended(ending, endpoints[verb])
    converse = endpoints.pop(WEBSOCKET, None)
    only_sockets = converse is not None and "GET" not in endpoints
    if converse is not None:
        from waypost.app.websockets import by_upgrade

        endpoints["GET"] = by_upgrade(endpoints.get("GET"), converse)
    return RouteEntry(
        file.pattern,
        file.file,
        file.kind,
        endpoints,
        options=loaded.options,
        max_body_size=config.max_body_size if own_limit is None else own_limit,
        streams_body=own_limit is not None,
        static=static,
        template=PathTemplate(file.segments, config.base_path, trailing_slash=config.trailing_slash),
        operations=operations,
        validation_error=(validation_hook(loaded.module, file.file) if loaded.module else None) or validation_error,
        sockets=converse is not None,
        only_sockets=only_sockets,
    )


def _endpoints(
    loaded: LoadedRoute, config: Config
) -> tuple[dict[str, Endpoint], list[tuple[str, Ending]], dict[str, Operation]]:
    """Bind every handler of a file; what is to go around each, outside of its cache; what each takes and gives.

    Raises StartupErrors with all that can't be called.
    """
    endpoints: dict[str, Endpoint] = {}
    endings: list[tuple[str, Ending]] = []
    operations: dict[str, Operation] = {}
    errors: list[StartupError] = []
    file = loaded.file
    names = vars(loaded.module) if loaded.module is not None else {}
    declared = declared_responses(names, Source(file.file))
    page = loaded.file.kind == "page"
    if loaded.file.file.suffix == ".html":
        endpoints["GET"] = serve_file(loaded.file.file)
    for verb, handler in loaded.handlers.items():
        try:
            inner, own = unwrapped(handler)
            endings += ((verb, ending) for ending in own)
            if verb == WEBSOCKET:
                endpoints[verb] = _conversing(inner, loaded, config)
                check_context(handler, verb, file.file, file.segments)
                continue
            name = "page" if page else verb
            place = Place(
                file.file, file.pattern, file.segments, declared.get(verb, {}), dev=config.dev, typed_return=not page
            )
            endpoint, operation = bind_operation(inner, name, place)
            operations[verb] = replace(operation, verb=verb, additions=additions_of(handler))
            check_context(handler, name, file.file, file.segments)
            endpoints[verb] = page_endpoint(endpoint, static=is_static(loaded)) if page else endpoint
        except StartupError as error:
            errors += error.errors if isinstance(error, StartupErrors) else [error]
    if errors:
        raise errors[0] if len(errors) == 1 else StartupErrors(errors)
    if (options := preflight_endpoint(loaded.handlers)) is not None:
        endpoints["OPTIONS"] = options
    return endpoints, endings, operations


def _conversing(handler: Callable[..., Any], loaded: LoadedRoute, config: Config) -> Endpoint:
    from waypost.app.websockets import websocket_endpoint  # most projects have none

    own = loaded.options.websocket_origins
    return websocket_endpoint(
        handler,
        loaded.file.file,
        Origins(config.websocket_origins if own is None else own),
        patience=config.websocket_close_timeout,
        dev=config.dev,
    )
