"""What a handler returned → a Response. The only place where that happens."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

import msgspec

from waypost.errors import InvalidResponseError
from waypost.http.response import Response


def to_response(value: Any, where: str) -> Response:
    """A Response as it is; a dict, list, dataclass, msgspec Struct or pydantic model as JSON.

    where: names the handler, for the error. Raises InvalidResponseError for anything else, None above all: a handler
    with a branch that forgets to return must not look like a success.
    """
    if isinstance(value, Response):
        if value.status == 0:
            raise InvalidResponseError(f"{where} returned Response.error(), which can't be sent")
        if value._control is not None:
            raise InvalidResponseError(
                f"{where} returned Response.next() or Response.rewrite(): these are for middleware; return a response"
            )
        return value
    if value.__class__ is tuple and len(value) == 2 and type(value[1]) is int and 200 <= value[1] <= 599:
        # As data it would be a list of two, and the status a part of it.
        raise InvalidResponseError(
            f"{where} returned a tuple with a status: write Response.json(data, status={value[1]})"
        )
    if isinstance(value, Mapping | list | tuple | msgspec.Struct) or (
        not isinstance(value, type) and (dataclasses.is_dataclass(value) or hasattr(value, "__pydantic_serializer__"))
    ):
        return Response.json(value)
    if value is None:
        raise InvalidResponseError(
            f"{where} returned None: return a Response in every branch (Response(None, 204) for an empty answer)"
        )
    if isinstance(value, CoroutineType):
        value.close()  # or Python warns, somewhere else, that nobody awaited it
        raise InvalidResponseError(f"{where} returned a coroutine: `await` is missing in front of it")
    if isinstance(value, AsyncGeneratorType | GeneratorType):
        raise InvalidResponseError(f"{where} returned a generator: return Response(generator) to send what it gives")
    raise InvalidResponseError(
        f"{where} returned {type(value).__name__}: return Response(...) for text and bytes, Response.json(...) for data"
    )
