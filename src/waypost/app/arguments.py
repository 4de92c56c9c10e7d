"""Arguments by name → the expressions that make their values, and what descriptions say of them.

Everything is decided here at start-up: a plan is an expression over `request`, `params` and `context`, which
`app/bound.py` puts into straight code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, get_args, get_origin

import msgspec

from waypost.app.context import Params
from waypost.app.operation import FORM, JSON, Body, Parameter, Place
from waypost.app.signature import EMPTY, Argument, SignatureReader
from waypost.errors import Issue, ValidationFailed
from waypost.http.blob import File
from waypost.http.cookies import RequestCookies
from waypost.http.form_data import FormData
from waypost.http.headers import Headers
from waypost.http.json import parse_json
from waypost.http.query import URLSearchParams
from waypost.http.request import Request
from waypost.validation import Schema, SchemaError, schema_of
from waypost.validation.annotations import bare, is_many, is_optional, show, walk
from waypost.validation.requests import (
    has_body,
    json_bytes,
    read_cookies,
    read_form_as,
    read_headers,
    read_query,
)
from waypost.validation.text import reader_of

Read: TypeAlias = "Callable[[Request, Mapping[str, Any]], Any | Awaitable[Any]]"

_CATCH_ALL: Final = ("catch-all", "optional-catch-all")
_BODILESS: Final = ("GET", "HEAD", "page")
_PLACES: Final[Mapping[str, Place]] = {"query": "query", "headers": "header", "cookies": "cookie", "params": "path"}
# What the argument is without a schema, and how it is had.
_AS_IT_IS: Final[Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "params": ((Params, dict), "context.params"),
    "query": ((URLSearchParams,), "request.next_url.search_params"),
    "headers": ((Headers,), "request.headers"),
    "cookies": ((RequestCookies,), "request.cookies"),
    "form": ((FormData,), "await request.form_data()"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How the value of an argument is made.

    expression: Python, over `request`, `params`, `context` and `values`. read: makes the same value; of arguments that
    a client can get wrong. names: what `expression` needs besides.
    """

    argument: Argument
    expression: str
    values: Mapping[str, Any] = field(default_factory=dict)
    read: Read | None = None
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None


class Planner:
    """Plans the arguments of one handler; mistakes go to the reader's errors."""

    def __init__(self, reader: SignatureReader) -> None:
        self._reader = reader
        self._verb = reader.verb

    def plans(self, arguments: list[Argument]) -> list[Plan]:
        """One plan for each argument, in the order of the signature."""
        by_source = {argument.source: argument for argument in arguments}
        if "body" in by_source and "form" in by_source:
            self._reader.error(f"{self._verb} takes both body and form", "A request has one body: keep one of them.")
        for name in ("body", "form"):
            if name in by_source and self._verb in _BODILESS:
                asked = "GET" if self._verb == "page" else self._verb
                self._reader.error(
                    f"{self._verb} takes {name}, and a {asked} request has none",
                    "Take what the client sends from the query, or answer POST.",
                )
        return [self._plan(argument, f"v{place}") for place, argument in enumerate(arguments)]

    def _plan(self, argument: Argument, key: str) -> Plan:
        source = argument.source
        if source in ("request", "context"):
            return Plan(argument, source)
        if source == "added":
            return self._added(argument, key)
        if source == "path":
            return self._segment(argument, key)
        if source == "body":
            return self._body(argument, key)
        kinds, expression = _AS_IT_IS[source]
        kind = bare(argument.annotation)
        if argument.annotation is EMPTY or kind is Any or (get_origin(kind) or kind) in kinds:
            body = Body(None, FORM) if source == "form" else None
            return Plan(argument, expression, body=body)
        schema = self._schema(argument, files=source == "form")
        if schema is None:
            return Plan(argument, "None")
        if source == "form":
            return self._form(argument, schema, key)
        return self._group(argument, schema, key)

    def _schema(self, argument: Argument, *, files: bool = False) -> Schema | None:
        try:
            if not files and _has_file(argument.annotation):
                raise SchemaError("a File can't come from there", "Files come with forms: name the argument form.")
            return schema_of(argument.annotation)
        except SchemaError as error:
            self._reader.error(
                f"{self._verb}: its argument {argument.name!r} can't be read: {error.message}",
                error.remedy or "Annotate it with a model, a Struct, a dataclass, a TypedDict or a scalar.",
            )
        except NameError as error:
            self._reader.error(
                f"{self._verb}: its argument {argument.name!r} can't be read: a field of "
                f"{show(argument.annotation)} names something that is not defined: {error}",
                "Import it where the type is defined, not only under `if TYPE_CHECKING`.",
            )
        return None

    # -- one for each place

    def _added(self, argument: Argument, key: str) -> Plan:
        name, values = argument.name, {}
        if not self._reader.known:
            # Outside of a route, as in a unit test: whatever has that name.
            return Plan(argument, f"{key}(context)", {key: _looked_up(name, argument.annotation)})
        if argument.default is EMPTY:
            return Plan(argument, f"context.{name}")
        values[key] = argument.default
        return Plan(argument, f"getattr(context, {name!r}, {key})", values)

    def _segment(self, argument: Argument, key: str) -> Plan:
        segment = argument.segment
        assert segment is not None  # an argument from the path has one
        annotation, name, caught = argument.annotation, segment.name, segment.kind in _CATCH_ALL
        may_lack = segment.kind == "optional-catch-all"
        default = argument.default if argument.default is not EMPTY else None if is_optional(annotation) else []
        lookup = f"params.get({name!r}, {key}_default)" if may_lack else f"params[{name!r}]"
        values: dict[str, Any] = {f"{key}_default": default} if may_lack else {}
        plain = annotation is EMPTY or bare(annotation) in ((list, list[str], Any) if caught else (str, Any))
        if not plain and annotation is not EMPTY and is_many(annotation) != caught:
            kind = "several segments: annotate it with list[str]" if caught else "one segment: annotate it with str"
            self._reader.error(
                f"{self._verb}: {argument.name!r} can't be {show(annotation)}", f"{segment.folder} is {kind}."
            )
            return Plan(argument, "None")
        schema = None if plain else self._schema(argument)
        if schema is not None and not schema.takes_text(many=caught):
            self._reader.error(
                f"{self._verb}: {argument.name!r} can't be {show(annotation)}, which no text of a path can be",
                f"Annotate it with {'a list of scalars' if caught else 'a scalar'}: str, int, UUID, an enum.",
            )
            return Plan(argument, "None")
        parameter = Parameter(name, "path", schema, required=not may_lack, catch_all=caught)
        if schema is None:
            return Plan(argument, lookup, values, parameters=(parameter,))

        def read(text: Any) -> Any:
            try:
                return schema.from_python(text, strings=True)
            except ValidationFailed as error:
                raise _below(name, error) from None

        def again(request: Request, params: Mapping[str, Any]) -> Any:
            return read(params[name]) if name in params else default

        values[key] = read
        expression = f"{key}({lookup})"
        if annotation is int:
            expression = f"int(t) if (t := {lookup}).isascii() and t.isdigit() and len(t) < 19 else {key}(t)"
        elif may_lack:
            expression = f"{key}(params[{name!r}]) if {name!r} in params else {key}_default"
        return Plan(argument, expression, values, again, (parameter,))

    def _group(self, argument: Argument, schema: Schema, key: str) -> Plan:
        """The query, the headers, the cookies or all parameters of the path, as an object."""
        source = argument.source
        of_dict = source == "query" and get_origin(bare(argument.annotation)) is dict
        if (of_dict and not self._dict_of_text(argument)) or not self._of_text(argument, schema):
            return Plan(argument, "None")
        if schema.fields is None and not of_dict:
            self._reader.error(
                f"{self._verb}: {source} can't be {show(argument.annotation)}, which has no fields",
                "Annotate it with a model, a Struct, a dataclass or a TypedDict: each field is one name.",
            )
            return Plan(argument, "None")
        parameters = tuple(
            Parameter(
                item.name.replace("_", "-") if source == "headers" else item.name,
                _PLACES[source], _schema_or_none(item.annotation), item.required, _as_json(item.default),
                item.description,
            )
            for item in (schema.fields or {}).values()
        )  # fmt: skip
        if source == "params":
            return self._params(argument, schema, key, parameters)
        make = {"query": read_query, "headers": read_headers, "cookies": read_cookies}[source](schema)
        return Plan(argument, f"{key}(request)", {key: make}, lambda request, params: make(request), parameters)

    def _of_text(self, argument: Argument, schema: Schema) -> bool:
        """Whether each field of an object may be a text, or several; else it is an error."""
        beyond = schema.beyond_text()
        if beyond:
            source = argument.source
            self._reader.error(
                f"{self._verb}: {source} can't have the field {beyond[0]!r} of {show(argument.annotation)}: it holds "
                "names or lists of its own, and no text can be that",
                "Write its fields beside the others, or let clients send it as JSON: name the argument body.",
            )
        return not beyond

    def _dict_of_text(self, argument: Argument) -> bool:
        """Whether a query may be this dict of names and texts, or lists of texts; else it is an error."""
        key, value = get_args(bare(argument.annotation))
        values = _schema_or_none(value)
        fits = reader_of(key) is None and (values is None or values.takes_text(many=True))
        if not fits:
            self._reader.error(
                f"{self._verb}: query can't be {show(argument.annotation)}, which no query can be",
                "Its keys are names, its values texts or lists of them: dict[str, int], dict[str, list[str]].",
            )
        return fits

    def _params(self, argument: Argument, schema: Schema, key: str, parameters: tuple[Parameter, ...]) -> Plan:
        segments = self._reader.segments
        for parameter in parameters:
            if self._reader.known and parameter.required and parameter.name not in segments:
                self._reader.error(
                    f"{self._verb}: params has the field {parameter.name!r}, and the path has no such parameter",
                    f"The path has {', '.join(sorted(segments)) or 'none'}.",
                )

        def read(request: Request, params: Mapping[str, Any]) -> Any:
            return schema.from_python(params, strings=True)

        return Plan(argument, f"{key}(request, params)", {key: read}, read, parameters)

    def _body(self, argument: Argument, key: str) -> Plan:
        annotation = argument.annotation
        kind = bare(annotation)
        if kind is bytes or kind is str:
            media = "application/octet-stream" if kind is bytes else "text/plain"
            return Plan(argument, f"await request.{'bytes' if kind is bytes else 'text'}()", body=Body(None, (media,)))
        schema: Schema | None = None
        decode: Callable[[bytes], Any] = parse_json
        if annotation is not EMPTY and kind is not Any:
            schema = self._schema(argument)
            if schema is None:
                return Plan(argument, "None")
            decode = schema.from_json
        lacks = None if argument.default is EMPTY else argument.default
        required = argument.default is EMPTY and not (schema is not None and is_optional(annotation))

        async def read(request: Request, params: Mapping[str, Any]) -> Any:
            return decode(await json_bytes(request)) if required or has_body(request) else lacks

        values = {key: decode, "json_bytes": json_bytes, "has_body": has_body, f"{key}_default": lacks}
        expression = f"{key}(await json_bytes(request))"
        if not required:
            expression = f"{expression} if has_body(request) else {key}_default"
        return Plan(argument, expression, values, read, body=Body(schema, JSON, required))

    def _form(self, argument: Argument, schema: Schema, key: str) -> Plan:
        if schema.fields is None:
            self._reader.error(
                f"{self._verb}: form can't be {show(argument.annotation)}, which has no fields",
                "Annotate it with a model, a Struct, a dataclass or a TypedDict: each field is one name of the form.",
            )
            return Plan(argument, "None")
        if not self._of_text(argument, schema):
            return Plan(argument, "None")
        lacks = None if argument.default is EMPTY else argument.default
        required = argument.default is EMPTY and not is_optional(argument.annotation)

        async def read(request: Request, params: Mapping[str, Any]) -> Any:
            return await read_form_as(request, schema) if required or has_body(request) else lacks

        media = FORM[:1] if _has_file(argument.annotation) else FORM
        return Plan(argument, f"await {key}(request, params)", {key: read}, read, body=Body(schema, media, required))


def _looked_up(name: str, annotation: Any) -> Callable[[Any], Any]:
    """Looks in the context, then among the parameters of the path."""

    def look(context: Any) -> Any:
        if name in vars(context) or name not in context.params:
            return getattr(context, name)
        schema = None if annotation is EMPTY else _schema_or_none(annotation)
        value = context.params[name]
        return value if schema is None else schema.from_python(value, strings=True)

    return look


def _schema_or_none(annotation: Any) -> Schema | None:
    try:
        return schema_of(annotation)
    except SchemaError:
        return None  # a part that only the whole model can read


def _as_json(default: Any) -> Any:
    try:
        return msgspec.to_builtins(default)
    except (TypeError, ValueError):
        return None


def _below(name: str, error: ValidationFailed) -> ValidationFailed:
    return ValidationFailed([Issue((name, *issue.path), issue.message, issue.code) for issue in error.issues])


def _has_file(annotation: Any) -> bool:
    return any(isinstance(item, type) and issubclass(item, File) for item in walk(annotation))
