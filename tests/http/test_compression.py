from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from collections.abc import AsyncIterator

import brotli
import pytest

from waypost.http.compression import Compression, choose
from waypost.http.payload import BodyStream
from waypost.http.request import Request
from waypost.http.response import Response

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "compress me " * 500


def apply(response: Response, accepted: str | None = "gzip") -> Response:
    headers = {} if accepted is None else {"accept-encoding": accepted}
    return asyncio.run(applied(Request("http://a.example/", headers=headers), response))


async def applied(request: Request, response: Response) -> Response:
    answer = Compression().apply(request, response)
    return answer if isinstance(answer, Response) else await answer


def test_a_buffered_body() -> None:
    source = Response(TEXT, headers={"etag": '"abc"', "vary": "Origin"})
    answer = apply(source)
    assert isinstance(answer.payload, bytes)
    assert gzip.decompress(answer.payload).decode() == TEXT
    assert answer.headers.get("content-encoding") == "gzip"
    assert answer.headers.get("vary") == "Origin, Accept-Encoding"
    assert answer.headers.get("etag") == 'W/"abc"'
    assert source.headers.get("content-encoding") is None


def test_a_large_body_in_a_thread_is_the_same() -> None:
    answer = apply(Response(TEXT * 40))
    assert isinstance(answer.payload, bytes)
    assert gzip.decompress(answer.payload).decode() == TEXT * 40


def test_each_chunk_of_a_stream_can_be_read_when_it_comes() -> None:
    async def chunks() -> AsyncIterator[str]:
        yield "first "
        yield "second"

    async def main() -> None:
        response = Response(chunks(), headers={"content-type": "text/plain"})
        request = Request("http://a.example/", headers={"accept-encoding": "gzip"})
        answer = await applied(request, response)
        assert isinstance(answer.payload, BodyStream)
        reader = zlib.decompressobj(31)
        seen = [reader.decompress(chunk) async for chunk in answer.payload]
        assert seen[0] == b"first "
        assert b"".join(seen) == b"first second"
        assert reader.eof

    asyncio.run(main())


@pytest.mark.parametrize("begun", [True, False])
def test_closing_the_compressed_stream_closes_its_source(begun: bool) -> None:
    ended: list[bool] = []

    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        source = BodyStream(chunks(), on_close=lambda: ended.append(True))
        response = Response(source, headers={"content-type": "text/plain"})
        request = Request("http://a.example/", headers={"accept-encoding": "gzip"})
        answer = await applied(request, response)
        assert isinstance(answer.payload, BodyStream)
        if begun:
            await anext(answer.payload.take())
        await answer.payload.aclose()

    asyncio.run(main())
    assert ended == [True]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/event-stream"},
        {"content-type": "image/png"},
        {"content-type": "text/plain", "cache-control": "no-cache, No-Transform"},
        {"content-type": "text/plain", "content-encoding": "br"},
        [("content-type", "text/plain"), ("cache-control", "no-transform"), ("cache-control", "max-age=5")],
    ],
)
def test_what_is_left_alone(headers: dict[str, str] | list[tuple[str, str]]) -> None:
    response = Response(TEXT.encode(), headers=headers)
    assert apply(response) is response


def test_small_bodies_ranges_and_no_type_are_left_alone() -> None:
    for response in (Response("small"), Response(TEXT, 206), Response(TEXT.encode())):
        assert apply(response) is response


def test_what_could_be_compressed_varies_even_when_it_is_not() -> None:
    answer = apply(Response(TEXT), None)
    assert answer.headers.get("vary") == "Accept-Encoding"
    assert answer.headers.get("content-encoding") is None


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("*", "first"),
        ("*;q=0", None),
        ("gzip;q=0.2, identity;q=0.8", None),
        ("gzip;q=x", None),
        ("deflate, compress", None),
        ("", None),
    ],
)
def test_the_choice(accepted: str, coding: str | None) -> None:
    codings = tuple(Compression().codings)
    assert choose(accepted, codings) == (codings[0] if coding == "first" else coding)


def test_an_endless_choice_is_none() -> None:
    assert apply(Response(TEXT), "gzip," * 1000).headers.get("content-encoding") is None


def test_a_stream_takes_the_coding_that_needs_little_memory() -> None:
    async def chunks() -> AsyncIterator[str]:
        yield "text"

    everything = ", ".join(Compression().codings)
    live = apply(Response(chunks(), headers={"content-type": "text/plain"}), everything)
    assert live.headers.get("content-encoding") == "gzip"
    assert apply(Response(TEXT), everything).headers.get("content-encoding") == next(iter(Compression().codings))


DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


@pytest.mark.parametrize("coding", DECODERS)
def test_each_coding_whole_and_as_a_stream(coding: str) -> None:
    async def chunks() -> AsyncIterator[str]:
        for word in ("one ", "two ", TEXT):
            yield word

    whole = apply(Response(TEXT), coding)
    assert isinstance(whole.payload, bytes)
    assert DECODERS[coding](whole.payload).decode() == TEXT
    streamed = apply(Response(chunks(), headers={"content-type": "text/plain"}), coding)
    assert streamed.headers.get("content-encoding") == coding
    assert DECODERS[coding](asyncio.run(streamed.bytes())).decode() == "one two " + TEXT


@pytest.mark.parametrize(
    ("sent", "etag", "vary"),
    [
        ('W/"abc"', 'W/"abc"', "Origin, Accept-Encoding"),
        ('"x", W/"abc"', 'W/"abc"', "Origin, Accept-Encoding"),
        ('"abc"', '"abc"', "Origin"),
        ("*", '"abc"', "Origin"),
    ],
)
def test_a_304_has_the_tag_that_the_client_has(sent: str, etag: str, vary: str) -> None:
    """A cache finds the copy to freshen by it."""
    source = Response(None, 304, {"etag": '"abc"', "vary": "Origin"})
    request = Request("http://a.example/", headers={"accept-encoding": "gzip", "if-none-match": sent})
    answer = asyncio.run(applied(request, source))
    assert (answer.headers.get("etag"), answer.headers.get("vary")) == (etag, vary)
    assert source.headers.get("etag") == '"abc"'


@pytest.mark.parametrize("name", ["content-range", "content-digest"])
def test_what_speaks_of_the_bytes_keeps_them(name: str) -> None:
    response = Response(TEXT, headers={name: "x"})
    assert apply(response) is response


@pytest.mark.parametrize("vary", ["*", "accept-encoding", "Origin, Accept-Encoding"])
def test_vary_is_left_alone_where_it_says_it_already(vary: str) -> None:
    assert apply(Response(TEXT, headers={"vary": vary})).headers.get("vary") == vary
