"""What a client sends: the values that fetch() and the test client take for a body → bytes and their content type.

Source: Fetch standard, "extract a body".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from waypost.http.form_data import FormData
from waypost.http.forms import encode_multipart
from waypost.http.json import encode_json
from waypost.http.query import URLSearchParams

Rest = TypeVar("Rest", bytes | None, bytes | AsyncIterator[bytes] | None)


def encode_body(json: Any, body: str | URLSearchParams | FormData | Rest) -> tuple[str | None, bytes | Rest]:
    """(content type, bytes); what is bytes, a stream or None already stays as it is. json takes the place of `body`."""
    if json is not None:
        return "application/json", encode_json(json)
    if isinstance(body, str):
        return "text/plain;charset=UTF-8", body.encode()
    if isinstance(body, URLSearchParams):
        return "application/x-www-form-urlencoded;charset=UTF-8", str(body).encode("ascii")
    if isinstance(body, FormData):
        return encode_multipart(body)
    return None, body
