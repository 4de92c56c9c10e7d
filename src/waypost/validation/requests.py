"""The parts of a request that a schema reads: readers that are made once, and called for each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

from waypost.errors import Issue, UnsupportedMediaType, ValidationFailed
from waypost.http.blob import File
from waypost.http.form_data import FormData
from waypost.http.mime import is_json
from waypost.http.query import parse_query
from waypost.http.request import Request
from waypost.validation.schema import Schema

Read: TypeAlias = Callable[[Request], Any]

_MISSING_BODY: Final = (Issue((), "A body is required", "missing"),)
_NO_BODY: Final = b""


def read_query(schema: Schema) -> Read:
    """Reads the query. Of a repeated name the first counts, where the schema takes no list."""
    read = schema.from_python
    if schema.fields is None:
        return lambda request: read(dict(reversed(_query_pairs(request))))
    return lambda request: read(_grouped(_query_pairs(request)), strings=True)


def _query_pairs(request: Request) -> list[tuple[str, str]]:
    # What middleware has changed in it counts, as for everyone who reads next_url.
    url = request._next_url
    return parse_query(request.query_string) if url is None else url.search_params.entries()


def _grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Name → value, or the list of its values where there are several."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif found[name].__class__ is list:
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def read_headers(schema: Schema) -> Read:
    """Reads the headers that the schema has fields for: `user_agent` is User-Agent."""
    names = {
        name: name.replace("_", "-").lower()
        for item in (schema.fields or {}).values()
        for name in (item.name, *item.others)
    }

    def read(request: Request) -> Any:
        headers = request.headers
        values = {name: value for name, header in names.items() if (value := headers.get(header)) is not None}
        return schema.from_python(values, strings=True)

    return read


def read_cookies(schema: Schema) -> Read:
    """Reads the cookies; of a repeated name the first counts."""

    def read(request: Request) -> Any:
        values = {cookie.name: cookie.value for cookie in reversed(request.cookies.get_all())}
        return schema.from_python(values, strings=schema.fields is not None)

    return read


def content_type_of(request: Request) -> str | None:
    """The Content-Type, without making Headers of the whole head where nobody has yet."""
    if request._headers is not None:
        return request._headers.get("content-type")
    found: str | None = None
    for name, value in request._raw:
        if len(name) == 12 and name.lower() == b"content-type":
            if found is not None:
                return request.headers.get("content-type")
            found = value.decode("latin-1")
    return found


def has_body(request: Request) -> bool:
    """Whether the request announces a body that is not empty."""
    body = request._body
    return body is not None and body.declared != 0


def json_bytes(request: Request) -> Awaitable[bytes]:
    """The body that is said to be JSON. Raises UnsupportedMediaType for another, ValidationFailed for none."""
    body = request._body
    if body is None or body.declared == 0:
        raise ValidationFailed(_MISSING_BODY)
    kind = content_type_of(request)
    if kind != "application/json" and not is_json(kind):
        raise UnsupportedMediaType("Content-Type must be application/json")
    request._body_used = True
    return body.read()


def form_values(form: FormData) -> dict[str, Any]:
    """Name → value of a form. A file input that was left empty (no name, no bytes) is left out."""
    return _grouped(
        (name, value)
        for name, value in form.entries()
        if not (isinstance(value, File) and not value.name and not value.size)
    )


async def read_json_as(request: Request, schema: Schema) -> Any:
    """The JSON body as the schema has it."""
    return schema.from_json(await json_bytes(request))


async def read_form_as(request: Request, schema: Schema, **limits: Any) -> Any:
    """The form as the schema has it."""
    if not has_body(request):
        raise ValidationFailed(_MISSING_BODY)
    return schema.from_python(form_values(await request.form_data(**limits)), strings=True)
