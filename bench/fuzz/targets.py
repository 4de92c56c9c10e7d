"""What is fuzzed: everything that reads bytes of a client, each as a function of bytes.

A target raises nothing: what it may raise for a client's fault (HTTPError, 4xx) is caught here, and whatever else
comes out is a bug. Targets say by assertion what else must hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

from waypost.auth.token_sessions import TokenSessions
from waypost.cache.entry import CorruptEntryError, decode_entry, encode_entry
from waypost.errors import HTTPError, InvalidURLError
from waypost.http.cookies import parse_cookie_header
from waypost.http.form_disposition import parse_form_disposition
from waypost.http.forms import parse_form
from waypost.http.headers import Headers
from waypost.http.host import split_host, valid_host
from waypost.http.json import encode_json, parse_json
from waypost.http.mime import parse_media_type
from waypost.http.preconditions import Validators
from waypost.http.query import parse_query, serialize_query
from waypost.http.ranges import parse_ranges
from waypost.http.url import URL
from waypost.http.user_agent import user_agent
from waypost.routing.canonical import canonical_path, decode_path
from waypost.server.proxy_protocol import ProxyHeaderError, parse_proxy_header

Target = Callable[[bytes], None]

TARGETS: dict[str, Target] = {}
_SESSIONS = TokenSessions("a secret of thirty-two bytes and more")
_SIZE = 10_000
_VALIDATORS = Validators('"tag"', 1_700_000_000)


def target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def _text(data: bytes) -> str:
    """A header or a request target, as the server has it: one character for each byte."""
    return data.decode("latin-1")


@target
def path(data: bytes) -> None:
    text = "/" + _text(data)
    try:
        better = canonical_path(text)
        parts = decode_path(text)
    except HTTPError:
        return
    assert parts[0] == ""
    if better is not None:
        assert canonical_path(better) is None, "a canonical path has no other"
        assert better.startswith("/") and not better.startswith(("//", "/\\")), "it leads to another host"


@target
def query(data: bytes) -> None:
    text = _text(data)
    pairs = parse_query(text)
    assert parse_query(serialize_query(pairs)) == pairs


@target
def cookie(data: bytes) -> None:
    for name, _ in parse_cookie_header(_text(data)):  # values are decoded, and may hold anything
        assert name and "=" not in name and ";" not in name


@target
def json(data: bytes) -> None:
    try:
        value = parse_json(data)
    except HTTPError:
        return
    assert parse_json(encode_json(value)) == value


@target
def content_type(data: bytes) -> None:
    parse_media_type(_text(data))


@target
def disposition(data: bytes) -> None:
    try:
        parse_form_disposition(_text(data))
    except HTTPError:
        return


@target
def multipart(data: bytes) -> None:
    """The first byte says in how many pieces the body comes."""
    pieces, body = data[:1], data[1:]
    step = max(1, len(body) // (1 + (pieces[0] % 16 if pieces else 0)))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async def read() -> None:
        try:
            form = await parse_form("multipart/form-data; boundary=b", chunks())
        except HTTPError:
            return
        form.close()

    asyncio.run(read())


@target
def ranges(data: bytes) -> None:
    spans = parse_ranges(_text(data), _SIZE) or []
    assert all(0 <= start < stop <= _SIZE for start, stop in spans)
    assert all(one[1] < two[0] for one, two in pairwise(spans)), "spans that touch"


@target
def conditions(data: bytes) -> None:
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"):
        value = _text(data).replace("\r", "").replace("\n", "").replace("\0", "").strip(" \t")
        headers = Headers({name: value})
        assert _VALIDATORS.precondition(headers) in (None, 304, 412)
        _VALIDATORS.range_applies(headers)


@target
def host(data: bytes) -> None:
    if valid_host(data):
        name, port = split_host(_text(data))
        assert name and "/" not in name and "@" not in name
        assert port is None or 0 <= port <= 65535


@target
def url(data: bytes) -> None:
    try:
        first = URL(data.decode("utf-8", "replace"), "http://a.example/b/c")
    except InvalidURLError:
        return
    assert URL(first.href).href == first.href


@target
def agent(data: bytes) -> None:
    user_agent({"user-agent": _text(data)})


@target
def token(data: bytes) -> None:
    assert asyncio.run(_SESSIONS.read(_text(data))) is None, "a token that nobody signed"


@target
def proxy_header(data: bytes) -> None:
    try:
        parse_proxy_header(data)
    except ProxyHeaderError:
        return


@target
def cache_entry(data: bytes) -> None:
    """Not of a client: what a store may give back when it is damaged."""
    try:
        entry = decode_entry(data)
    except CorruptEntryError:
        return
    assert encode_entry(entry) == data
