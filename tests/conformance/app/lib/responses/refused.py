"""Results that no server may send: each must become a 500 that leaks nothing, or be made right."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from waypost import Headers, Request, Response


def circular(request: Request) -> Response:
    data: dict[str, Any] = {}
    data["o"] = data
    return Response.json(data)


def throw_response(request: Request) -> Response:
    raise Response("thrown", status=400)


async def used(request: Request) -> Response:
    response = Response("used")
    await response.text()
    return response


KINDS: dict[str, Callable[[Request], Any]] = {
    "undefined": lambda r: None,
    "null": lambda r: None,
    "string": lambda r: "a string",
    "object": lambda r: {"plain": "object"},
    "number": lambda r: 42,
    "non-response-class": lambda r: SimpleNamespace(status=200, headers=Headers({"x-duck": "1"}), body=None),
    "204-body": lambda r: Response("nope", status=204),
    "100": lambda r: Response(None, status=100),
    "199": lambda r: Response(None, status=199),
    "600": lambda r: Response("six", status=600),
    # Python has no undefined: an object that JSON has no form for takes its place.
    "json-undefined": lambda r: Response.json(object()),
    "json-bigint": lambda r: Response.json({"a": object()}),
    "json-circular": circular,
    "error": lambda r: Response.error(),
    "nr-error": lambda r: Response.error(),
    "throw-response": throw_response,
    "headers-unicode": lambda r: Response("h", headers={"x-uni": "\u65e5\u672c"}),
    "headers-newline": lambda r: Response("h", headers={"x-bad": "a\r\nb: c"}),
    "headers-badname": lambda r: Response("h", headers={"bad name": "x"}),
    "stream-used": used,
}
