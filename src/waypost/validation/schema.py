"""Schema: one interface over msgspec and pydantic, and which of the two an annotation needs.

msgspec reads whatever it can, which is several times faster and always there. pydantic reads what mentions it (a
model, `Field`, `annotated_types`, one of its types) and what msgspec has no form for; it is imported only then.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, Protocol, TypeAlias

from waypost.http.blob import File
from waypost.validation.annotations import ObjectField, show, walk

Mode: TypeAlias = Literal["validation", "serialization"]

REF_TEMPLATE: Final = "#/components/schemas/{name}"
_PYDANTIC: Final = ("pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types")


class SchemaError(Exception):
    """No schema can be made of an annotation. remedy: one sentence that says what to change."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Schema(Protocol):
    """What one annotation says of a value.

    kind: "msgspec" or "pydantic". annotation: what it was made of. many: whether it is a list, a set or a tuple.
    fields: of an object type, each field by the name it has on the wire; None for every other type.
    """

    @property
    def kind(self) -> Literal["msgspec", "pydantic"]: ...
    @property
    def annotation(self) -> Any: ...
    @property
    def many(self) -> bool: ...
    @property
    def fields(self) -> Mapping[str, ObjectField] | None: ...

    def from_json(self, data: bytes) -> Any:
        """The value of a JSON text. Raises InvalidJSON when it is none, ValidationFailed when it does not fit."""
        ...

    def from_python(self, value: Any, *, strings: bool = False) -> Any:
        """The value that a Python value stands for. Raises ValidationFailed when it does not fit.

        strings: scalars are text as it stands in a URL, a header or a form; of an object, `value` is a mapping of
        names to text, File or lists of them.
        """
        ...

    def from_pairs(self, pairs: Iterable[tuple[str, Any]]) -> Any:
        """The object that names and values stand for, text or File, as a query or a form has them.

        Of a repeated name the first counts, unless the field takes all of them. Raises ValidationFailed.
        """
        ...

    def takes_text(self, *, many: bool) -> bool:
        """Whether some text may be a value; with `many`, or a list of texts."""
        ...

    def beyond_text(self) -> list[str]:
        """Of an object type, the fields that neither a text nor a list of texts can be."""
        ...

    def encode(self, value: Any) -> bytes:
        """value as JSON, with the fields of the schema and no others. Raises ValidationFailed when it does not fit."""
        ...

    def check(self, value: Any) -> None:
        """As `encode`, thoroughly and slowly: parts of a value that were changed since they were made are read too."""
        ...

    def sent(self) -> Callable[[bytes], object]:
        """What holds a JSON text against the form in which values are sent, and raises ValidationFailed.

        That is what `encode` gives and json_schema("serialization") says: by the names that fields are written with.
        Made at start-up, in milliseconds. What comes back is of no use.
        """
        ...

    def json_schema(
        self, mode: Mode = "validation", ref_template: str = REF_TEMPLATE
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """(JSON Schema 2020-12, definitions it refers to by name). ref_template: with `{name}`.

        Raises SchemaError where JSON has no form for a type or a field.
        """
        ...


def schema_of(annotation: Any) -> Schema:
    """The schema of an annotation. Raises SchemaError when it can't have one.

    File stands for an upload: forms have them, JSON has not.
    """
    has_pydantic = importlib.util.find_spec("pydantic") is not None
    if mentions_pydantic(annotation):
        if not has_pydantic:
            raise SchemaError(f"{show(annotation)} needs pydantic", 'Install it: pip install "waypost[pydantic]".')
        return _of_pydantic(annotation)
    from waypost.validation.msgspec_schema import MsgspecSchema

    try:
        return MsgspecSchema(annotation)
    except SchemaError:
        if not has_pydantic:
            raise
        try:
            return _of_pydantic(annotation)
        except SchemaError:
            pass
        raise


def _of_pydantic(annotation: Any) -> Schema:
    from waypost.validation.pydantic_schema import PydanticSchema

    return PydanticSchema(annotation)


def mentions_pydantic(annotation: Any) -> bool:
    """Whether something of pydantic stands anywhere in an annotation or in the fields below it."""
    for item in walk(annotation):
        kind = item if isinstance(item, type) else type(item)
        if kind is not File and (_is_of_pydantic(kind) or "__pydantic_core_schema__" in vars(kind)):
            return True
    return False


def _is_of_pydantic(kind: type) -> bool:
    return any(base.__module__.partition(".")[0] in _PYDANTIC for base in kind.__mro__)
