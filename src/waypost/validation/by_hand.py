"""`await request.json(Post)`: schemas that handlers name at run time, made at their first use and kept."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from waypost.http.form_limits import FormOptions
from waypost.http.request import Request
from waypost.validation.annotations import show
from waypost.validation.requests import Read, read_form_as, read_json_as, read_query
from waypost.validation.schema import Schema, SchemaError, schema_of

_MOST: Final = 1000  # a program that makes types as it runs must not fill the memory


class ReadingByHand:
    """See waypost.http.typed.Reading."""

    def __init__(self) -> None:
        self._schemas: dict[Any, Schema] = {}
        self._queries: dict[Any, Read] = {}

    def json(self, request: Request, annotation: Any) -> Awaitable[Any]:
        """The JSON body."""
        return read_json_as(request, self._schema(annotation))

    def query(self, request: Request, annotation: Any) -> Any:
        """The query."""
        read = self._queries.get(annotation)
        if read is None:
            read = read_query(_with_fields(self._schema(annotation)))
            if len(self._queries) < _MOST:
                self._queries[annotation] = read
        return read(request)

    def form(self, request: Request, annotation: Any, options: FormOptions) -> Awaitable[Any]:
        """The form."""
        return read_form_as(request, _with_fields(self._schema(annotation)), **options)

    def _schema(self, annotation: Any) -> Schema:
        known = self._schemas.get(annotation)
        if known is None:
            try:
                known = schema_of(annotation)
            except SchemaError as error:
                raise TypeError(f"{error.message}. {error.remedy}".rstrip()) from error
            if len(self._schemas) < _MOST:
                self._schemas[annotation] = known
        return known


def _with_fields(schema: Schema) -> Schema:
    if schema.fields is None:
        raise TypeError(f"{show(schema.annotation)} has no fields: use a model, Struct, dataclass or TypedDict")
    return schema
