"""A handler's return annotation → the schema of what it answers, and what makes a response of what it returns.

`-> Post` and `-> list[Post]`: data, sent as the schema has it and with no field besides. `-> Response[Post]`: a
response that the handler makes itself, held against the schema in development. A module's `responses` says what other
statuses hold. Annotations that say nothing of the data (Response, dict, Any, None) leave the answer as it is.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Never,
    NoReturn,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from waypost.app.operation import ResponseSchema
from waypost.app.signature import EMPTY, SignatureReader, own_return, resolve
from waypost.errors import InvalidJSON, InvalidResponseError, StartupError, ValidationFailed
from waypost.http.response import Response, encoded_json
from waypost.routing.exports import VERBS
from waypost.routing.source import Source
from waypost.validation.annotations import bare, members, show

if TYPE_CHECKING:
    from waypost.validation import Schema

Respond: TypeAlias = Callable[[Any], Any]

#: What says nothing of the data, alone or as an argument of dict and list.
_UNTOLD: Final = (
    Any,
    object,
    dict,
    list,
    tuple,
    str,
    bytes,
    int,
    float,
    bool,
    Mapping,
    Never,
    NoReturn,
    None,
    type(None),
)
_WAITED: Final = (Awaitable, Coroutine)


@dataclass(frozen=True, slots=True)
class Returns:
    """What a handler gives. data: the schema of what it returns as data; made: of what its Responses hold."""

    data: Schema | None = None
    made: Schema | None = None
    status: int = 200
    responses: Mapping[int, ResponseSchema] = field(default_factory=dict)


def read_returns(reader: SignatureReader, declared: Mapping[int, ResponseSchema]) -> Returns:
    """What the return annotation of the reader's handler says. declared: of the module, for this verb."""
    successes = [status for status in declared if 200 <= status <= 299]
    status = successes[0] if len(successes) == 1 else 200
    annotation = own_return(reader.handler)
    if annotation is not EMPTY:
        try:
            annotation = resolve(reader.handler, "return", annotation)
        except (NameError, SyntaxError, TypeError, AttributeError) as error:
            if not _is_untold_text(annotation):
                reader.error(
                    f"{reader.verb}: its return annotation can't be resolved: {error}",
                    "Import what it names where the handler stands, not only under `if TYPE_CHECKING`.",
                )
            annotation = EMPTY
    data: list[Any] = []
    made: list[Any] = []
    for member in () if annotation is EMPTY else _parts(_awaited(annotation)):
        if _is_response(member):
            made += [item for item in get_args(bare(member)) if not _is_untold(item)]
        elif not _is_untold(member):
            data.append(member)
        elif not _is_nothing(member):
            data = []  # `-> Post | dict`: the answer may be anything
            break
    found = Returns(_schema(reader, data), _schema(reader, made), status, declared)
    schema = found.data or found.made
    if schema is None:
        return found
    known = declared.get(status)
    shown = ResponseSchema(known.schema or schema if known else schema, description=known.description if known else "")
    return Returns(
        found.data, found.made, status, {status: shown, **{k: v for k, v in declared.items() if k != status}}
    )


def _awaited(annotation: Any) -> Any:
    """What a plain function with `-> Awaitable[X]` gives in the end."""
    if get_origin(annotation) in _WAITED:
        return get_args(annotation)[-1]
    return annotation


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The members of a union. One that says how its members are told apart stays whole, where all of it is data."""
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    found = members(annotation)
    if len(found) == 1:
        return found
    if get_origin(annotation) is not Annotated:
        return tuple(part for item in get_args(bare(annotation)) for part in _parts(item))
    return found if any(_is_response(member) or _is_untold(member) for member in found) else (annotation,)


def _is_response(annotation: Any) -> bool:
    kind = bare(annotation)
    owner = get_origin(kind) or kind
    return isinstance(owner, type) and issubclass(owner, Response)


def _is_nothing(annotation: Any) -> bool:
    return annotation is None or annotation is type(None)


def _is_untold(annotation: Any) -> bool:
    kind = bare(annotation)
    origin = get_origin(kind)
    if isinstance(kind, TypeVar):
        return True
    if origin in (Union, types.UnionType):
        return all(_is_untold(item) for item in get_args(kind))
    if origin in (dict, list, tuple, Mapping):
        return all(item is Ellipsis or _is_untold(item) for item in get_args(kind))
    return origin is None and any(kind is item for item in _UNTOLD)


def _is_untold_text(annotation: Any) -> bool:
    return isinstance(annotation, str) and annotation.partition("[")[0].rpartition(".")[2] in (
        "Response", "NextResponse", "dict", "Any", "object",
    )  # fmt: skip


def _schema(reader: SignatureReader, kinds: list[Any]) -> Schema | None:
    if not kinds:
        return None
    from waypost.validation import SchemaError, schema_of

    annotation: Any = kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007  # made of a list
    try:
        return schema_of(annotation)
    except (SchemaError, NameError) as error:
        remedy = getattr(error, "remedy", "") or "Annotate it with a type of data, or with Response."
        reader.error(f"{reader.verb}: its return annotation can't be a schema: {error}", remedy)
        return None


def responder(returns: Returns, where: str, *, dev: bool) -> Respond | None:
    """What makes a response of what the handler returned; None where that is taken as it is."""
    data, status = returns.data, returns.status
    held = _holder(returns, where) if dev else None
    if data is None:
        return held

    def respond(value: Any) -> Any:
        if isinstance(value, Response):
            return value if held is None else held(value)
        try:
            if dev:
                data.check(value)
            return encoded_json(data.encode(value), status)
        except ValidationFailed as failure:
            problem = failure
        raise InvalidResponseError(f"{where} returned what is no {show(data.annotation)}: {_told(problem)}")

    return respond


def _holder(returns: Returns, where: str) -> Respond | None:
    """What holds the Responses of a handler against their schemas, in development."""
    schemas = {status: item.schema for status, item in returns.responses.items() if item.schema is not None}
    if returns.made is None and not schemas:
        return None
    declared = {status: (schema, schema.sent()) for status, schema in schemas.items()}
    made = None if returns.made is None else (returns.made, returns.made.sent())

    def hold(value: Any) -> Any:
        if not isinstance(value, Response) or not isinstance(value._payload, bytes):
            return value
        found = declared.get(value._status) or (made if value.ok else None)
        if found is None or value._content_type != b"application/json":
            return value
        schema, against = found
        try:
            against(value._payload)
        except ValidationFailed as failure:
            problem = _told(failure)
        except InvalidJSON:
            problem = "it is no JSON, or nested too deeply"
        else:
            return value
        raise InvalidResponseError(
            f"{where} answered {value._status} with what is no {show(schema.annotation)}: {problem}"
        )

    return hold


def _told(failure: ValidationFailed) -> str:
    return "; ".join(
        f"{'.'.join(map(str, issue.path)) or 'the value'}: {issue.message}" for issue in failure.issues[:5]
    )


def declared_responses(names: Mapping[str, object], source: Source) -> dict[str, dict[int, ResponseSchema]]:
    """The `responses` of a module: verb → status → what is sent.

    `responses = {404: Problem, 409: "The title is taken"}` is for every verb of the file, and
    `responses = {"POST": {201: Post}}` for one. A value is a type, a description, or both: `(Problem, "No such post")`.
    Raises StartupError for a value that is none of them. A name `responses` that holds anything else is the project's.
    """
    value = names.get("responses")
    if not isinstance(value, dict) or not all(_is_status(key) or key in VERBS for key in value):
        return {}
    for_all = {key: item for key, item in value.items() if key not in VERBS}
    found: dict[str, dict[int, ResponseSchema]] = {}
    for verb in VERBS:
        own = value.get(verb, {})
        if not isinstance(own, dict) or not all(_is_status(key) for key in own):
            raise _refused(source, f"responses[{verb!r}] is no dict of statuses")
        found[verb] = {status: _declared(status, item, source) for status, item in {**for_all, **own}.items()}
    return found


def _is_status(key: object) -> bool:
    return isinstance(key, int) and not isinstance(key, bool) and 200 <= key <= 599


def _declared(status: int, value: Any, source: Source) -> ResponseSchema:
    kind, text = value if isinstance(value, tuple) and len(value) == 2 else (value, "")
    if isinstance(kind, str):
        kind, text = None, kind
    if not text:
        from http import HTTPStatus  # few files declare any, and it is slow to import

        text = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    if kind is None:
        return ResponseSchema(None, description=text)
    from waypost.validation import SchemaError, schema_of

    try:
        return ResponseSchema(schema_of(kind), description=text)
    except (SchemaError, NameError) as error:
        raise _refused(source, f"responses[{status}] can't be a schema: {error}") from None


def _refused(source: Source, message: str) -> StartupError:
    remedy = 'Write responses = {404: Problem, 409: "The title is taken"}, or {"POST": {201: Post}}.'
    return StartupError(message, file=source.file, line=source.line("responses"), remedy=remedy)
