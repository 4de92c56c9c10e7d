"""Schemas that pydantic reads. Imported by the first schema that needs it, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, Literal

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic_core import PydanticSerializationError, SchemaValidator

from waypost.errors import InvalidJSON, Issue, ValidationFailed
from waypost.http.json import encode_json, parse_json
from waypost.validation.annotations import ObjectField, is_many, object_fields, show
from waypost.validation.pydantic_fields import FieldWithoutSchema, JsonSchemaWriter
from waypost.validation.pydantic_finite import finite
from waypost.validation.pydantic_issues import issues_of, thinned
from waypost.validation.pydantic_sent import sent_plan
from waypost.validation.pydantic_text import fields_beyond_text, holds_code, takes_text
from waypost.validation.pydantic_unions import doubling_union
from waypost.validation.schema import REF_TEMPLATE, Mode, SchemaError
from waypost.validation.text import TextPlan

_MOST_ERRORS: Final = 2000
_N, _I = b"NI"
_UNTOLD: Final = (
    "Give it another type, say its schema with pydantic.WithJsonSchema, or leave a field out that has a default: "
    "Field(exclude=True)."
)


class PydanticSchema:
    """See Schema. Raises SchemaError for an annotation that pydantic has no form for."""

    kind: Literal["pydantic"] = "pydantic"

    __slots__ = (
        "_adapter", "_text", "_to_json", "_validate", "_validate_json", "_validate_sent", "_validate_text",
        "annotation", "fields", "many",
    )  # fmt: skip

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(annotation)
            if not self._adapter.pydantic_complete:
                # Says which name it is that a model lacks, which asking for the validator does not. The names of this
                # module are none of the model's.
                self._adapter.rebuild(raise_errors=True, _types_namespace={})
            validator = _validator_of_requests(self._adapter)
            self._validate_json: Callable[[bytes], Any] = validator.validate_json
            self._validate: Callable[..., Any] = validator.validate_python
            self._validate_sent: Callable[..., Any] = self._adapter.validator.validate_python
            self._to_json: Callable[..., bytes] = self._adapter.serializer.to_json
            # Text is all that a form has: where strict is said, a date would have to be a date already.
            self._validate_text = partial(validator.validate_python, strict=False)
            self.fields: Mapping[str, ObjectField] | None = object_fields(annotation)
        except PydanticUndefinedAnnotation as error:
            raise SchemaError(
                f"{show(annotation)} can't be a schema: it names {error.name}, which is not defined",
                f"Import {error.name} in the module of the model that names it, not only under TYPE_CHECKING.",
            ) from error
        except PydanticSchemaGenerationError as error:
            first = str(error).split(".", 1)[0]
            raise SchemaError(f"{show(annotation)} can't be a schema: {first}") from error
        except (PydanticUserError, TypeError, NameError, AttributeError, SyntaxError, RecursionError) as error:
            first = str(error).partition("\n")[0]
            raise SchemaError(f"{show(annotation)} can't be a schema: {first}") from error
        if holds_code(self._adapter.core_schema):
            raise SchemaError(f"{show(annotation)} can't be a schema: a function or a class is no data")
        members = doubling_union(self._adapter.core_schema)
        if members is not None:
            raise SchemaError(
                f"{show(annotation)} can't be a schema: the members {' and '.join(members)} of a union may each hold "
                "the same union again, so that every level of a value doubles the time that it takes to read",
                'Say which member is meant: Annotated[A | B, Field(discriminator="kind")].',
            )
        self.many = is_many(annotation)
        self._text = TextPlan(annotation, self.fields)

    def from_json(self, data: bytes) -> Any:
        """See Schema."""
        # Whether a letter is there at all, asked for as a number, is told in a thirtieth of the time.
        if (_N in data and b"NaN" in data) or (_I in data and b"Infinity" in data):
            parse_json(data)  # pydantic takes them for numbers, which no JSON has
        try:
            return self._validate_json(data)
        except ValidationError as error:
            failure = error
        value = parse_json(data)
        if _is_no_json(failure):
            # It is JSON all the same, with a mark in front or bytes that the Web's json() puts right.
            try:
                return self._validate_json(encode_json(value))
            except ValidationError as error:
                failure = error
            if _is_no_json(failure):
                raise InvalidJSON("The body is not valid JSON")  # nested deeper than pydantic reads
        raise _failed(failure, value, lambda part: self._validate_json(encode_json(part)))

    def from_python(self, value: Any, *, strings: bool = False) -> Any:
        """See Schema."""
        return self._validated(self._text.read(value) if strings else value, strings)

    def from_pairs(self, pairs: Iterable[tuple[str, Any]]) -> Any:
        """See Schema."""
        return self._validated(self._text.read_pairs(pairs), True)

    def _validated(self, value: Any, strings: bool) -> Any:
        validate = self._validate_text if strings else self._validate
        try:
            return validate(value)
        except ValidationError as error:
            failure = error
        except RecursionError:
            raise ValidationFailed([Issue((), "The value is nested too deeply", "depth")]) from None
        raise _failed(failure, value, validate)

    def takes_text(self, *, many: bool) -> bool:
        """See Schema."""
        return takes_text(self._adapter.core_schema, many=many)

    def beyond_text(self) -> list[str]:
        """See Schema."""
        return fields_beyond_text(self._adapter.core_schema)

    def encode(self, value: Any) -> bytes:
        """See Schema."""
        return self._written(value, False)  # the same as "none", and a microsecond quicker

    def check(self, value: Any) -> None:
        """See Schema."""
        try:
            self._written(value, "error")
        except PydanticSerializationError as error:
            raise ValidationFailed([Issue((), str(error), "serialization")]) from error

    def _written(self, value: Any, warnings: Literal[False, "error"]) -> bytes:
        try:
            return self._to_json(self._validate_sent(value, from_attributes=True), by_alias=True, warnings=warnings)
        except ValidationError as error:
            failure = error
        raise ValidationFailed(issues_of(failure, value))

    def sent(self) -> Callable[[bytes], object]:
        """See Schema."""
        read = SchemaValidator(sent_plan(self._adapter.core_schema)).validate_json

        def hold(payload: bytes) -> object:
            try:
                return read(payload)
            except ValidationError as error:
                failure = error
            if _is_no_json(failure):
                raise InvalidJSON("The response is not valid JSON")  # or nested deeper than pydantic reads
            raise ValidationFailed(issues_of(failure, parse_json(payload)))

        return hold

    def json_schema(
        self, mode: Mode = "validation", ref_template: str = REF_TEMPLATE
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See Schema."""
        template = ref_template.replace("{name}", "{model}")
        try:
            schema = self._adapter.json_schema(mode=mode, ref_template=template, schema_generator=JsonSchemaWriter)
        except FieldWithoutSchema as error:
            place = error.place(self._adapter.core_schema) or show(self.annotation)
            raise SchemaError(f"{place} has no JSON schema: {error}", _UNTOLD) from error
        # KeyError: a default that has a "$ref", which pydantic takes for a reference.
        except (PydanticUserError, PydanticSerializationError, KeyError) as error:
            first = str(error).partition("\n")[0]
            raise SchemaError(f"{show(self.annotation)} has no JSON schema: {first}", _UNTOLD) from error
        return schema, schema.pop("$defs", {})


def _failed(failure: ValidationError, value: Any, validate: Callable[[Any], Any]) -> ValidationFailed:
    """The issues of a failure of `value`, as `validate` found it."""
    if failure.error_count() <= _MOST_ERRORS:
        return ValidationFailed(issues_of(failure, value))
    # pydantic takes seconds to list what is wrong with a body of half a million mistakes.
    count, value = failure.error_count(), thinned(value)
    try:
        validate(value)
    except ValidationError as error:
        if error.error_count() <= _MOST_ERRORS:
            found = [issue for issue in issues_of(error, value) if issue.code != "too_short"]
            if found:
                return ValidationFailed(found)
    return ValidationFailed([Issue((), f"{count} values do not fit", "too_many")])


def _is_no_json(failure: ValidationError) -> bool:
    """Whether the text itself was refused; a field of the type Json says the same of what it holds."""
    first = failure.errors(include_url=False, include_input=False)[0] if failure.error_count() == 1 else None
    return first is not None and first["type"] == "json_invalid" and not first["loc"]


def _validator_of_requests(adapter: TypeAdapter[Any]) -> Any:
    plan = finite(adapter.core_schema)
    if plan is adapter.core_schema:
        return adapter.validator
    # Made anew in all its parts: models have validators ready, which take infinity.
    return SchemaValidator(plan, None, _use_prebuilt=False)
