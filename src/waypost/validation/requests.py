"""The parts of a request that a schema reads: readers that are made once, and called for each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, Unpack

from waypost.errors import Issue, UnsupportedMediaType, ValidationFailed
from waypost.http.blob import File
from waypost.http.form_data import FormData, FormValue
from waypost.http.form_limits import FormOptions
from waypost.http.mime import is_json
from waypost.http.query import parse_query
from waypost.http.request import Request
from waypost.validation.schema import Schema

Read: TypeAlias = Callable[[Request], Any]

_MISSING_BODY: Final = (Issue((), "A body is required", "missing"),)
_JSON_FIELD: Final = (b"content-type", b"application/json")


def read_query(schema: Schema) -> Read:
    """Reads the query. Of a repeated name the first counts, where the schema takes no list."""
    read = schema.from_pairs
    return lambda request: read(_query_pairs(request))


def _query_pairs(request: Request) -> list[tuple[str, str]]:
    # What middleware has changed in it counts, as for everyone who reads next_url.
    url = request._next_url
    return parse_query(request.query_string) if url is None else url.search_params.entries()


def read_headers(schema: Schema) -> Read:
    """Reads the headers that the schema has fields for: `user_agent` is User-Agent.

    For a list, the lines of a name and what stands between commas are one value each.
    """
    names = {
        name: (name.replace("_", "-").lower(), item.many)
        for item in (schema.fields or {}).values()
        for name in (item.name, *item.others)
    }

    def read(request: Request) -> Any:
        headers = request.headers
        values = {
            name: _listed(value) if many else value
            for name, (header, many) in names.items()
            if (value := headers.get(header)) is not None
        }
        return schema.from_python(values, strings=True)

    return read


def _listed(value: str) -> list[str]:
    # RFC 9110, 5.6.1: blanks around a comma count for nothing, and neither does an empty element.
    return [text for item in value.split(",") if (text := item.strip(" \t"))]


def read_cookies(schema: Schema) -> Read:
    """Reads the cookies; of a repeated name the first counts."""

    def read(request: Request) -> Any:
        pairs = [(cookie.name, cookie.value) for cookie in request.cookies.get_all()]
        return schema.from_pairs(pairs)

    return read


def has_body(request: Request) -> bool:
    """Whether the request announces a body that is not empty."""
    body = request._body
    return body is not None and body.declared != 0


def json_bytes(request: Request) -> Awaitable[bytes]:
    """The body that is said to be JSON. Raises UnsupportedMediaType for another, ValidationFailed for none."""
    body = request._body
    if body is None or body.declared == 0:
        raise ValidationFailed(_MISSING_BODY)
    headers = request._headers
    # Names in lower case, without making Headers of the whole head where nobody has yet.
    fields = request._connection.lowered(request._raw) if headers is None else headers.raw
    if _JSON_FIELD not in fields and not is_json(request.headers.get("content-type")):
        raise UnsupportedMediaType("Content-Type must be application/json")
    request._body_used = True
    return body.read()


def form_pairs(form: FormData) -> list[tuple[str, FormValue]]:
    """The names and values of a form. A file input that was left empty (no name, no bytes) is left out."""
    return [
        (name, value)
        for name, value in form.entries()
        if not (isinstance(value, File) and not value.name and not value.size)
    ]


async def read_json_as(request: Request, schema: Schema) -> Any:
    """The JSON body as the schema has it."""
    return schema.from_json(await json_bytes(request))


async def read_form_as(request: Request, schema: Schema, **options: Unpack[FormOptions]) -> Any:
    """The form as the schema has it."""
    if not has_body(request):
        raise ValidationFailed(_MISSING_BODY)
    return schema.from_pairs(form_pairs(await request.form_data(**options)))
