"""Responses that go out: statuses, bodies, headers and cookies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from waypost import Blob, FormData, Headers, Request, Response, URLSearchParams

from lib.db import iso

shared: Response | None = None


def same_twice(request: Request) -> Response:
    """One Response object for every request."""
    global shared
    if shared is None:
        shared = Response("shared")
    return shared


def headers_multi(request: Request) -> Response:
    fields = Headers()
    fields.append("x-multi", "a")
    fields.append("x-multi", "b")
    fields.set("X-CamelCase", "Yes")
    fields.append("link", "<a>")
    fields.append("link", "<b>")
    return Response("h", headers=fields)


def cookies_multi(request: Request) -> Response:
    fields = Headers([("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; HttpOnly")])
    return Response("c", headers=fields)


def form(request: Request) -> Response:
    data = FormData()
    data.set("a", "1")
    return Response(data)


def own_cookies(request: Request) -> Response:
    response = Response.json({"a": 1})
    response.cookies.set("k", "v", path="/", max_age=60, same_site="strict")
    response.cookies.set("k2", "v 2")
    return response


def own_cookies_delete(request: Request) -> Response:
    response = Response.json({"a": 1})
    response.cookies.delete("gone")
    return response


HOP = {
    "connection": "close",
    "keep-alive": "timeout=99",
    "server": "mine",
    "x-powered-by": "me",
    "date": "Thu, 01 Jan 1970 00:00:00 GMT",
}

KINDS: dict[str, Callable[[Request], Any]] = {
    "null-body": lambda r: Response(None),
    "undefined-body": lambda r: Response(),
    "empty-string": lambda r: Response(""),
    "text": lambda r: Response("hello"),
    "text-201": lambda r: Response("made", status=201, status_text="Made It"),
    "204": lambda r: Response(None, status=204),
    "204-headers": lambda r: Response(None, status=204, headers={"x-a": "1", "content-type": "text/plain"}),
    "205": lambda r: Response(None, status=205),
    "304": lambda r: Response(None, status=304, headers={"etag": '"abc"'}),
    "599": lambda r: Response("five nine nine", status=599),
    "418": lambda r: Response("teapot", status=418),
    "json": lambda r: Response.json({"a": 1, "d": iso(0), "n": None, "nan": math.nan, "nested": [1, "é", {"x": True}]}),
    "json-status": lambda r: Response.json({"a": 1}, status=202, headers={"x-a": "b"}),
    "json-string": lambda r: Response.json("str"),
    "json-null": lambda r: Response.json(None),
    "json-ctype": lambda r: Response.json({"a": 1}, headers={"content-type": "application/problem+json"}),
    "nr-json": lambda r: Response.json({"a": 1}),
    "nr-text": lambda r: Response("nr"),
    "headers-multi": headers_multi,
    "headers-nonascii": lambda r: Response("h", headers={"x-latin": "caf\u00e9"}),
    "headers-empty": lambda r: Response("h", headers={"x-empty": "", "x-space": "  pad  "}),
    "headers-hop": lambda r: Response("h", headers=HOP),
    "content-length-short": lambda r: Response("0123456789", headers={"content-length": "4"}),
    "content-length-long": lambda r: Response("0123", headers={"content-length": "10"}),
    "cookies-multi": cookies_multi,
    "blob": lambda r: Response(Blob(["blobby"], type="text/csv")),
    "blob-untyped": lambda r: Response(Blob(["blobby"])),
    "arraybuffer": lambda r: Response(bytes([0, 1, 2, 255])),
    "uint8": lambda r: Response(bytearray([104, 105])),
    "buffer": lambda r: Response(memoryview(b"buf")),
    "urlsearchparams": lambda r: Response(URLSearchParams([("a", "1"), ("b", "x y")])),
    "formdata": form,
    "same-twice": same_twice,
    "big": lambda r: Response("x" * 300_000),
    "utf8": lambda r: Response("h\u00e9llo \u65e5\u672c \U0001f600"),
    "html": lambda r: Response("<b>x</b>", headers={"content-type": "text/html"}),
    "cache-control": lambda r: Response.json({"a": 1}, headers={"cache-control": "public, max-age=60"}),
    "vary": lambda r: Response.json({"a": 1}, headers={"vary": "Accept-Language"}),
    "etag": lambda r: Response("etagged", headers={"etag": '"v1"'}),
    "nr-cookies": own_cookies,
    "nr-cookies-delete": own_cookies_delete,
}
