"""A handler's return annotation → the schema of what it answers, and what makes a response of what it returns.

`-> Post` and `-> list[Post]`: data, sent as the schema has it and with no field besides. `-> Response[Post]`: a
response that the handler makes itself, held against the schema in development; so is `-> dict[str, int]`, which has
no fields to leave out. A module's `responses` says what other statuses hold. Annotations that say nothing of the data
(Response, dict, Any) leave the answer as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from waypost.app.operation import ResponseSchema
from waypost.app.result import to_response
from waypost.app.return_kinds import SCALARS, Members, members_of
from waypost.app.signature import EMPTY, SignatureReader, own_return, resolve
from waypost.errors import InvalidJSON, InvalidResponseError, StartupError, ValidationFailed
from waypost.http.response import NULL_BODY, Response, encoded_json
from waypost.routing.exports import VERBS
from waypost.routing.source import Source
from waypost.validation.annotations import show

if TYPE_CHECKING:
    from waypost.validation import Schema

Respond: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Returns:
    """What a handler gives.

    data: the schema of what it returns as data; made: of what its Responses hold. plain: its data is sent as it is, and
    made is the schema of that too. null: None is sent as null.
    """

    data: Schema | None = None
    made: Schema | None = None
    plain: bool = False
    null: bool = False
    status: int = 200
    responses: Mapping[int, ResponseSchema] = field(default_factory=dict)


def read_returns(reader: SignatureReader, declared: Mapping[int, ResponseSchema]) -> Returns:
    """What the return annotation of the reader's handler says. declared: of the module, for this verb."""
    successes = [status for status in declared if 200 <= status <= 299 and status not in NULL_BODY]
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
    found = Members() if annotation is EMPTY else members_of(annotation)
    _refuse_scalars(reader, found)
    null = bool(found.nothing and (found.told or found.plain or found.untold))
    nothing = found.nothing if null else []
    data: Schema | None = None
    plain: Schema | None = None
    if not found.untold and not (found.told and found.plain):  # `-> Post | dict`: the answer may be anything
        data = _schema(reader, found.told + nothing) if found.told else None
        plain = _schema_or_none(found.plain + found.made + nothing) if found.plain else None
    made = plain or _schema(reader, found.made)
    schema = data or made
    if schema is None:
        return Returns(null=null, status=status, responses=declared)
    known = declared.get(status)
    shown = ResponseSchema(known.schema or schema if known else schema, description=known.description if known else "")
    responses = {status: shown, **{k: v for k, v in declared.items() if k != status}}
    return Returns(data, made, plain is not None, null, status, responses)


def _refuse_scalars(reader: SignatureReader, found: Members) -> None:
    """Text and numbers are no answers. `-> None` may be meant: redirect() and its kin end a handler."""
    if reader.added is None or found.responses or found.told or found.plain:
        return  # a wrapper of the project's own may make something of it
    if found.untold and all(kind in SCALARS for kind in found.untold):
        kinds = " or ".join(map(show, found.untold))
        reader.error(
            f"{reader.verb} returns {kinds}, and every request would be answered with 500",
            "Return Response(text), annotated with Response, for text and bytes; a dict, a list or a model for data.",
        )


def _is_untold_text(annotation: Any) -> bool:
    return isinstance(annotation, str) and annotation.partition("[")[0].rpartition(".")[2] in (
        "Response", "NextResponse", "dict", "Any", "object",
    )  # fmt: skip


def _schema(reader: SignatureReader, kinds: list[Any]) -> Schema | None:
    from waypost.validation import SchemaError

    try:
        return _schema_of(kinds)
    except (SchemaError, NameError) as error:
        remedy = getattr(error, "remedy", "") or "Annotate it with a type of data, or with Response."
        reader.error(f"{reader.verb}: its return annotation can't be a schema: {error}", remedy)
        return None


def _schema_or_none(kinds: list[Any]) -> Schema | None:
    """What can't be a schema was sent as it is before there were schemas for it: `-> list[int] | tuple[int, ...]`."""
    from waypost.validation import SchemaError

    try:
        return _schema_of(kinds)
    except (SchemaError, NameError):
        return None


def _schema_of(kinds: list[Any]) -> Schema | None:
    if not kinds:
        return None
    from waypost.validation import schema_of

    annotation: Any = kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007  # made of a list
    return schema_of(annotation)


def responder(returns: Returns, where: str, *, dev: bool) -> Respond | None:
    """What makes a response of what the handler returned; None where that is taken as it is."""
    data, status = returns.data, returns.status
    held = _holder(returns, where) if dev else None
    if data is None:
        return _as_it_is(returns, held, where)

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


def _as_it_is(returns: Returns, held: Respond | None, where: str) -> Respond | None:
    """What makes a response of data that is sent as it is; None where the endpoint's value can stay as it is."""
    status, null, plain = returns.status, returns.null, returns.plain
    if not null and (not plain or (held is None and status == 200)):
        return held

    def respond(value: Any) -> Any:
        if value is None and null:
            value = encoded_json(b"null", status if plain else 200)
        elif plain and not isinstance(value, Response):
            value = to_response(value, where)
            value = value if status == 200 else encoded_json(value._payload, status)
        return value if held is None else held(value)

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
