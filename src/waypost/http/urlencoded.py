"""application/x-www-form-urlencoded bodies.

The same encoding as a query string's, so the same parser reads it; here it is bytes and bounded.
Source: URL standard, application/x-www-form-urlencoded.
"""

from __future__ import annotations

from collections.abc import Iterable

from waypost.errors import BodyTooLarge
from waypost.http.blob import File
from waypost.http.form_data import FormValue
from waypost.http.form_limits import FormLimits
from waypost.http.percent import decode_octets
from waypost.http.query import parse_query, serialize_query


def parse_urlencoded(data: bytes, limits: FormLimits | None = None) -> list[tuple[str, str]]:
    """The (name, value) pairs of a body. Linear in its length; only `&` separates.

    Never raises without limits; with them BodyTooLarge past max_fields (empty fields count) or max_field_size.
    """
    if limits is not None and data.count(b"&") >= limits.max_fields:
        raise BodyTooLarge(f"The form has more than {limits.max_fields} fields")
    try:
        pairs = parse_query(data.decode("utf-8"))
    except UnicodeDecodeError:
        pairs = _parse_octets(data)
    if limits is not None and len(data) > limits.max_field_size:
        for name, value in pairs:
            if len(name.encode()) + len(value.encode()) > limits.max_field_size:
                raise BodyTooLarge(f"A field of the form is larger than {limits.max_field_size} bytes")
    return pairs


def _parse_octets(data: bytes) -> list[tuple[str, str]]:
    """parse_urlencoded for bytes that are not UTF-8: an escape and the bare byte beside it may be one character."""
    pairs = []
    for field in data.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(octets: bytes) -> str:
    return decode_octets(octets.replace(b"+", b" ")).decode("utf-8", "replace")


def encode_urlencoded(entries: Iterable[tuple[str, FormValue]]) -> bytes:
    """A body of the entries of a FormData, or of pairs; of a file only the name is sent (HTML standard)."""
    pairs = ((name, value.name if isinstance(value, File) else value) for name, value in entries)
    return serialize_query(pairs).encode("ascii")
