"""An application → its OpenAPI 3.1 document, from the files alone.

Folders are paths, docstrings descriptions, annotations schemas. A handler without annotations is described as what it
is: it may answer anything. Source: OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, get_origin, get_type_hints

from waypost.app.entry import RouteEntry
from waypost.app.operation import FORM, Body, Operation, Parameter, ResponseSchema
from waypost.config import Config
from waypost.errors import StartupError, StartupErrors
from waypost.http.response import Response
from waypost.openapi.components import Components
from waypost.openapi.failures import failures
from waypost.openapi.info import document_head
from waypost.openapi.paths import DocumentedPath, documented_paths
from waypost.routing.importing import module_name
from waypost.validation.annotations import bare, members
from waypost.validation.json_schema import schemas_in
from waypost.validation.schema import SchemaError

VERSION: Final = "3.1.1"
CATCH_ALL: Final = "x-waypost-catch-all"

_VERBS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ANYTHING: Final = "*/*"


def openapi_document(routes: Iterable[RouteEntry], config: Config) -> dict[str, Any]:
    """The document of an application's routes: `openapi_document(application.routes, application.config)`.

    Pages, public files and routes with `openapi = False` are left out. The same routes give the same document.
    Raises StartupErrors that name each handler with a type that has no JSON schema.
    """
    return _Writer(config).document(routes)


def documented(routes: Iterable[RouteEntry], config: Config) -> list[tuple[DocumentedPath, RouteEntry]]:
    """The paths that the document has, sorted, and the routes behind them."""
    found = [
        (path, entry)
        for entry in routes
        if entry.kind == "route" and entry.template is not None and entry.options is not None and entry.options.openapi
        for path in documented_paths(entry.template.segments, trailing_slash=config.trailing_slash)
    ]
    return sorted(found, key=lambda pair: pair[0].path)


class _Writer:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._components = Components()
        self._schemes: dict[str, Mapping[str, Any]] = {}
        self._ids: set[str] = set()
        self._errors: dict[tuple[Path, int | None, str], StartupError] = {}

    def document(self, routes: Iterable[RouteEntry]) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        tags: list[str] = []
        for path, entry in documented(routes, self._config):
            if path.path not in paths and entry.operations:
                paths[path.path] = self._item(path, entry)
                tags += [path.tag] if path.tag is not None and path.tag not in tags else []
        if self._errors:
            raise StartupErrors(self._errors.values())
        components: dict[str, Any] = {}
        schemas = self._components.finish()
        if schemas:
            components["schemas"] = schemas
        if self._schemes:
            components["securitySchemes"] = dict(sorted(self._schemes.items()))
        return {
            "openapi": VERSION,
            **document_head(self._config),
            **({"tags": self._tags(tags)} if tags else {}),
            "paths": paths,
            **({"components": components} if components else {}),
        }

    def _tags(self, names: list[str]) -> list[dict[str, str]]:
        """The tags of the settings first, in their order, then those of the folders."""
        said = [dict(tag) for tag in self._config.openapi.tags]
        known = {tag["name"] for tag in said}
        return [*said, *({"name": name} for name in names if name not in known)]

    def _item(self, path: DocumentedPath, entry: RouteEntry) -> dict[str, Any]:
        item: dict[str, Any] = {}
        text = _module_text(entry.file, self._config.app_dir)
        if text:
            item["description"] = text
        for verb in _VERBS:
            operation = entry.operations.get(verb)
            if operation is None:
                continue
            try:
                item[verb.lower()] = self._operation(path, entry, operation, verb)
            except SchemaError as error:
                self._fail(operation, error)
        return item

    def _fail(self, operation: Operation, error: SchemaError) -> None:
        """Once for each handler, which may stand at two paths."""
        message = f"{operation.verb}: {error.message}"
        remedy = f"{error.remedy} `openapi = False` leaves the whole route out of the document.".lstrip()
        found = StartupError(message, file=operation.file, line=operation.line, remedy=remedy)
        self._errors[operation.file, operation.line, message] = found

    def _operation(self, path: DocumentedPath, entry: RouteEntry, operation: Operation, verb: str) -> dict[str, Any]:
        found: dict[str, Any] = {"operationId": self._id(path.operation_id(verb))}
        if path.tag is not None:
            found["tags"] = [path.tag]
        if operation.summary:
            found["summary"] = operation.summary
        if operation.description:
            found["description"] = operation.description
        parameters = [
            self._parameter(parameter)
            for parameter in operation.parameters
            if parameter.place != "path" or parameter.name in path.params
        ]
        if parameters:
            found["parameters"] = parameters
        body = operation.body or _untold_body(operation, verb)
        if body is not None:
            found["requestBody"] = self._body(body)
        found["responses"] = self._responses(operation, body, entry)
        security = self._security(operation)
        if security:
            found["security"] = security
        return found

    def _id(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._ids:
            name, number = f"{wanted}{number}", number + 1
        self._ids.add(name)
        return name

    def _parameter(self, parameter: Parameter) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        if parameter.schema is not None:
            schema = self._components.use(parameter.schema, "validation")
        if parameter.catch_all:
            # OpenAPI has no parameter of several segments: what is sent for it is one text with slashes.
            schema = {"type": "string"}
        if parameter.default is not None and "$ref" not in schema:
            schema = {**schema, "default": parameter.default}
        found: dict[str, Any] = {"name": parameter.name, "in": parameter.place}
        description = parameter.description
        if parameter.catch_all:
            description = description or "One segment or more, with slashes between them."
        if description:
            found["description"] = description
        if parameter.required or parameter.place == "path":
            found["required"] = True
        if parameter.catch_all:
            found[CATCH_ALL] = True
        return {**found, "schema": schema}

    def _body(self, body: Body) -> dict[str, Any]:
        found: dict[str, Any] = {"required": True} if body.required else {}
        if body.schema is None:
            content: dict[str, Any] = {kind: {} for kind in body.media_types}
        else:
            schema = self._components.use(body.schema, "validation")
            content = {kind: {"schema": schema} for kind in body.media_types}
            if _has_file(self._components, schema):
                content = {kind: media for kind, media in content.items() if kind not in FORM[1:]}
        return {**found, "content": content}

    def _responses(self, operation: Operation, body: Body | None, entry: RouteEntry) -> dict[str, Any]:
        found: dict[str, Any] = {}
        streamed = next((kind for kind in map(_media_type, _returned(operation)) if kind is not None), None)
        for status, response in operation.responses.items():
            found[str(status)] = self._response(status, response)
        if streamed is not None:
            found.setdefault("200", {"description": "OK", "content": {streamed: {}}})
        elif not any(status < 400 for status in operation.responses):
            found["default"] = {"description": "What the handler answers; it declares nothing."}
        for status, given in failures(operation, body, entry, self._components).items():
            found.setdefault(str(status), given)
        return dict(sorted(found.items()))

    def _response(self, status: int, response: ResponseSchema) -> dict[str, Any]:
        found: dict[str, Any] = {"description": response.description or _phrase(status)}
        if status in (204, 205, 304) or status < 200:
            return found
        media: dict[str, Any] = {}
        if response.schema is not None:
            media["schema"] = self._components.use(response.schema, "serialization")
        found["content"] = {response.media_type: media}
        return found

    def _security(self, operation: Operation) -> list[dict[str, list[str]]]:
        """Any one of the ways will do; of several wrappers each wants one."""
        choices: list[dict[str, list[str]]] = []
        for added in operation.additions:
            names = []
            for way in added.security:
                name = way.name
                while name in self._schemes and self._schemes[name] != way.scheme:
                    name += "2"
                self._schemes[name] = dict(way.scheme)
                names.append(name)
            if names:
                roles = sorted(added.roles)
                mine = [{name: roles} for name in names]
                choices = [{**one, **other} for one in choices for other in mine] if choices else mine
        return choices


def _untold_body(operation: Operation, verb: str) -> Body | None:
    """What a handler may read that takes the request as it is; None where it takes no request."""
    if verb not in ("POST", "PUT", "PATCH"):
        return None
    try:
        names = list(inspect.signature(operation.handler).parameters)
    except (TypeError, ValueError):
        return None
    return Body(None, (_ANYTHING,), required=False) if {"request", "req", "_request"} & set(names) else None


def _returned(operation: Operation) -> list[Any]:
    """What a handler is annotated to return: the members of a union, `Response[Post]` as Response."""
    try:
        annotation = get_type_hints(operation.handler).get("return")
    except (NameError, TypeError, AttributeError):
        return []
    return [get_origin(bare(member)) or bare(member) for member in members(annotation)]


def _media_type(kind: Any) -> str | None:
    """What a class of responses always sends, as EventStream does."""
    found = getattr(kind, "media_type", None) if isinstance(kind, type) and issubclass(kind, Response) else None
    return found if isinstance(found, str) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _module_text(file: Path, app_dir: Path) -> str:
    """The docstring of a route file, which speaks of its path."""
    module = sys.modules.get(module_name(file, app_dir))
    return inspect.cleandoc((module.__doc__ if module is not None else None) or "")


def _has_file(components: Components, schema: Mapping[str, Any]) -> bool:
    """Whether a form has files, which only a multipart form carries."""
    return any(inner.get("format") == "binary" for inner in schemas_in(components.resolve(schema)))
