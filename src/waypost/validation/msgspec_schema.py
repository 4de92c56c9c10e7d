"""Schemas that msgspec reads: Structs, dataclasses, TypedDicts, scalars, with msgspec.Meta for constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, get_origin

import msgspec

from waypost.errors import Issue, ValidationFailed
from waypost.http.blob import File
from waypost.http.json import encode_json, parse_json
from waypost.validation.annotations import ObjectField, is_many, object_fields, show
from waypost.validation.msgspec_finish import Finish, finish_of, has_decimal, has_typed_dict
from waypost.validation.msgspec_issues import issues_of
from waypost.validation.msgspec_rows import dicts_of
from waypost.validation.schema import REF_TEMPLATE, Mode, SchemaError
from waypost.validation.text import TextPlan
from waypost.validation.text_shape import takes_text


class MsgspecSchema:
    """See Schema. Raises SchemaError for an annotation that msgspec has no form for."""

    kind: Literal["msgspec"] = "msgspec"

    __slots__ = ("_convert", "_decimals", "_decode", "_kinds", "_rows", "_text", "annotation", "fields", "many")

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        try:
            decode: Callable[[bytes], Any] = msgspec.json.Decoder(annotation).decode
            info = msgspec.inspect.type_info(annotation)
            self._kinds = _classes_in(info, annotation)
            self._decimals = has_decimal(info)
            finish = finish_of(info)
            self._rows = info if has_typed_dict(info) else None
            self.fields: Mapping[str, ObjectField] | None = object_fields(annotation)
        except SchemaError:
            raise
        except (TypeError, NameError, ValueError, AttributeError, SyntaxError, RecursionError) as error:
            raise SchemaError(f"{show(annotation)} can't be a schema: {error}") from error
        self._decode = _finished(decode, finish)
        self._convert = _finished(msgspec.convert, finish)
        self.many = is_many(annotation)
        self._text = TextPlan(annotation, self.fields)

    def from_json(self, data: bytes) -> Any:
        """See Schema."""
        try:
            return self._decode(data)
        except (msgspec.MsgspecError, *_UNREADABLE):
            # Told apart below, from the value as such: text that is no JSON, or bytes that have to be put right first.
            pass
        return self.from_python(parse_json(data))

    def from_python(self, value: Any, *, strings: bool = False) -> Any:
        """See Schema."""
        return self._converted(self._text.read(value) if strings else value, strings)

    def from_pairs(self, pairs: Iterable[tuple[str, Any]]) -> Any:
        """See Schema."""
        return self._converted(self._text.read_pairs(pairs), True)

    def _converted(self, value: Any, strings: bool) -> Any:
        try:
            return self._convert(value, self.annotation)
        except (msgspec.ValidationError, *_UNREADABLE):
            pass
        raise ValidationFailed(self._issues(value, strings=strings))

    def takes_text(self, *, many: bool) -> bool:
        """See Schema."""
        return takes_text(self.annotation, many=many)

    def beyond_text(self) -> list[str]:
        """See Schema."""
        fields = (self.fields or {}).values()
        return [field.name for field in fields if not takes_text(field.annotation, many=True)]

    def encode(self, value: Any) -> bytes:
        """See Schema."""
        return encode_json(self._filtered(value))

    def check(self, value: Any) -> None:
        """See Schema."""
        self.from_python(parse_json(encode_json(self._filtered(value))))

    def sent(self) -> Callable[[bytes], object]:
        """See Schema."""
        return self.from_json  # msgspec reads and writes by the same names

    def _filtered(self, value: Any) -> Any:
        try:
            # An object of a class below the schema's becomes one of the schema's: what it has besides stays here.
            found = self._convert(value, self.annotation, from_attributes=True)
        except (msgspec.ValidationError, RecursionError, ValueError):
            found = self._of_rows(value)
        # msgspec takes an object of the very class as it is, and whatever its fields hold with it: an object of a
        # class below the field's would bring along what it has besides.
        if any(kind.__subclasses__() for kind in self._kinds):
            return self.from_python(parse_json(encode_json(found)))
        return found

    def _of_rows(self, value: Any) -> Any:
        if self._rows is not None:
            try:
                value = dicts_of(value, self._rows)
                return self._convert(value, self.annotation, from_attributes=True)
            except (msgspec.ValidationError, RecursionError, ValueError):
                pass
        raise ValidationFailed(self._issues(parse_json(encode_json(value))))

    def _issues(self, value: Any, *, strings: bool = False) -> list[Issue]:
        return issues_of(value, self.annotation, strings=strings, decimals=self._decimals) or [_UNFIT]

    def json_schema(
        self, mode: Mode = "validation", ref_template: str = REF_TEMPLATE
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See Schema."""
        (schema,), definitions = msgspec.json.schema_components(
            [self.annotation], schema_hook=_custom_schema, ref_template=ref_template
        )
        for kind in self._kinds:
            _leave_unfit_defaults_out(kind, definitions.get(kind.__name__, {}).get("properties", {}))
        return schema, definitions


def _leave_unfit_defaults_out(kind: type, properties: Mapping[str, Any]) -> None:
    """A default that its own type refuses, as `title: Title = ""`, is none that a client may send."""
    for name, field in (object_fields(kind) or {}).items():
        written = properties.get(name, {})
        if "default" in written:
            try:
                msgspec.convert(written["default"], field.annotation)
            except msgspec.ValidationError:
                del written["default"]
            except _UNREADABLE:
                pass  # a type that JSON has another form for: as it is


# TypeError: a Decimal "sNaN" has no hash, and stands where one is asked for, in a set or as a key.
_UNREADABLE: Final = (RecursionError, ValueError, TypeError)
_UNFIT: Final = Issue((), "Invalid value", "invalid")


def _finished(make: Callable[..., Any], finish: Finish | None) -> Callable[..., Any]:
    """What makes a value, whole."""
    if finish is None:
        return make

    def made(*args: Any, **options: Any) -> Any:
        value = make(*args, **options)
        finish(value)
        return value

    return made


def _custom_schema(kind: type) -> dict[str, Any]:
    if kind is File:
        return {"type": "string", "format": "binary"}
    raise NotImplementedError(kind)


def _classes_in(info: Any, annotation: Any) -> list[type]:
    """The Structs and dataclasses in an annotation.

    Raises SchemaError when a class stands there of which msgspec knows only isinstance().
    """
    found: list[type] = []
    seen: set[int] = set()
    todo = [info]
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, msgspec.inspect.CustomType) and item.cls is not File:
            raise SchemaError(
                f"{show(annotation)} can't be a schema: {show(item.cls)} is no type of data",
                "Use a model, a Struct, a dataclass, a TypedDict, a scalar, or a list or dict of them.",
            )
        if isinstance(item, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
            found.append(get_origin(item.cls) or item.cls)
        if isinstance(item, tuple):
            todo += item
        elif isinstance(item, msgspec.Struct):
            todo += [getattr(item, name) for name in item.__struct_fields__ if name not in ("default", "cls")]
    return found
