from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.cache.running import with_caching
from tests.cache.upstream import Upstream, upstream

from waypost import URL, AbortController, AbortSignal, FormData, URLSearchParams
from waypost.cache import cache_tag, cached, fetch, update_tag
from waypost.cache.caching import Caching
from waypost.cache.fetch_client import close_client
from waypost.errors import CacheUsageError, FetchError


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


def inside(test: Callable[[Caching], Awaitable[None]]) -> None:
    async def run(caching: Caching) -> None:
        try:
            await test(caching)
        finally:
            await close_client()

    with_caching(run)


def test_a_request_as_the_web_has_it(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        response = await fetch(f"{server.base}/hits?a=1#fragment", headers={"X-Test": "1", "user-agent": "me"})
        assert response.ok and response.status == 200
        assert response.headers.get("content-type") == "application/json"
        assert (await response.json())["query"] == {"a": "1"}
        method, path, fields, body = server.seen[0]
        assert (method, path, body) == ("GET", "/hits?a=1", b"")
        assert fields["x-test"] == "1" and fields["user-agent"] == "me"

    inside(test)


@pytest.mark.parametrize(
    ("options", "kind", "body"),
    [
        ({"body": "héllo"}, "text/plain;charset=UTF-8", "héllo".encode()),
        ({"body": b"\x00\xff"}, None, b"\x00\xff"),
        ({"body": URLSearchParams("a=1&b=2")}, "application/x-www-form-urlencoded;charset=UTF-8", b"a=1&b=2"),
        ({"json": {"a": [1]}}, "application/json", b'{"a":[1]}'),
        ({"json": 0}, "application/json", b"0"),
        ({"body": "x", "headers": {"content-type": "text/x"}}, "text/x", b"x"),
    ],
)
def test_bodies(server: Upstream, options: dict[str, Any], kind: str | None, body: bytes) -> None:
    async def test(caching: Caching) -> None:
        await fetch(URL(f"{server.base}/x"), method="post", **options)
        method, _, fields, sent = server.seen[0]
        assert (method, fields.get("content-type"), sent) == ("POST", kind, body)

    inside(test)


def test_a_form(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        form = FormData()
        form.append("name", "value")
        await fetch(f"{server.base}/x", method="POST", body=form)
        assert server.seen[0][2]["content-type"].startswith("multipart/form-data; boundary=")

    inside(test)


def test_nothing_is_kept_unless_it_is_asked_for(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        for options in ({}, {"tags": ["a"]}, {"cache": "no-store"}, {"revalidate": 0}):
            before = len(server.seen)
            await fetch(f"{server.base}/hits", **options)  # type: ignore[arg-type]
            await fetch(f"{server.base}/hits", **options)  # type: ignore[arg-type]
            assert len(server.seen) == before + 2, options

    inside(test)


@pytest.mark.parametrize("options", [{"cache": "force-cache"}, {"revalidate": 60}, {"revalidate": False}])
def test_what_is_kept_is_asked_once(server: Upstream, options: Any) -> None:
    async def test(caching: Caching) -> None:
        answers = await asyncio.gather(*(fetch(f"{server.base}/hits?k=1", **options) for _ in range(20)))
        assert len(server.seen) == 1
        assert {(await answer.json())["n"] for answer in answers} == {1}
        again = await fetch(f"{server.base}/hits?k=1", **options)
        assert again.headers.get("content-type") == "application/json" and (await again.json())["n"] == 1
        assert not again.headers.has("set-cookie")

    inside(test)


def test_the_key_is_all_that_is_sent(server: Upstream) -> None:
    base = f"{server.base}/hits"
    requests: list[tuple[str, dict[str, Any]]] = [
        (base, {}),
        (f"{base}?a=1", {}),
        (f"{base}?a=1&b=2", {}),
        (f"{base}?b=2&a=1", {}),
        (base, {"headers": {"authorization": "alice"}}),
        (base, {"headers": {"authorization": "bob"}}),
        (base, {"method": "POST", "body": "x"}),
        (base, {"method": "POST", "body": "y"}),
        (base, {"method": "PUT", "body": "x"}),
    ]

    async def test(caching: Caching) -> None:
        for _ in range(2):
            for url, options in requests:
                await fetch(url, cache="force-cache", **options)
        assert len(server.seen) == len(requests)

    inside(test)


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_only_good_answers_are_kept(server: Upstream, status: int) -> None:
    async def test(caching: Caching) -> None:
        for n in (1, 2):
            response = await fetch(f"{server.base}/hits?status={status}", cache="force-cache", redirect="manual")
            assert response.status == status and (await response.json())["n"] == n

    inside(test)


def test_an_answer_without_a_body(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        for _ in range(2):
            response = await fetch(f"{server.base}/empty", cache="force-cache")
            assert response.status == 204 and await response.bytes() == b""
        assert len(server.seen) == 1

    inside(test)


def test_tags_and_the_cached_function_around(server: Upstream) -> None:
    base = server.base

    @cached(tags=["outer"])
    async def total() -> int:
        cache_tag("more")
        response = await fetch(f"{base}/hits", tags=["inner"], revalidate=60)
        return int((await response.json())["n"])

    async def test(caching: Caching) -> None:
        assert await total() == await total() == 1
        await update_tag("inner")
        assert await total() == 2

    inside(test)


def test_redirects(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        assert (await fetch(f"{server.base}/redirect")).status == 200
        manual = await fetch(f"{server.base}/redirect", redirect="manual")
        assert manual.status == 302 and manual.headers.get("location") == "/hits"
        with pytest.raises(FetchError, match="redirected"):
            await fetch(f"{server.base}/redirect", redirect="error")

    inside(test)


def test_no_cookie_of_one_answer_is_sent_with_another_request(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        assert (await fetch(f"{server.base}/hits")).headers.get("set-cookie") == "sid=secret"
        await fetch(f"{server.base}/hits")
        assert "cookie" not in server.seen[1][2]

    inside(test)


def test_no_answer_is_an_error(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        for url in ("http://127.0.0.1:1/x", f"{server.base}/cut"):
            for options in ({}, {"cache": "force-cache"}):
                with pytest.raises(FetchError) as raised:
                    await (await fetch(url, **options)).bytes()  # type: ignore[arg-type]
                assert raised.value.__cause__ is not None
        with pytest.raises(FetchError):
            await fetch(f"{server.base}/slow?wait=2", timeout=0.05)

    inside(test)


def test_a_long_answer_comes_as_a_stream(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        response = await fetch(f"{server.base}/big?size=3000000")
        assert len(await response.bytes()) == 3_000_000
        short = await fetch(f"{server.base}/big?size=1000")
        assert isinstance(short.payload, bytes)

    inside(test)


def test_a_stream_that_is_dropped_gives_its_connection_back(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        for _ in range(120):  # more than the pool has
            await fetch(f"{server.base}/big?size=1050000")
            gc.collect(0)
            await asyncio.sleep(0)
        gc.collect()
        assert (await fetch(f"{server.base}/hits")).ok

    inside(test)


def test_a_signal_ends_it(server: Upstream) -> None:
    async def test(caching: Caching) -> None:
        controller = AbortController()
        asyncio.get_running_loop().call_later(0.05, controller.abort, ValueError("enough"))
        with pytest.raises(ValueError, match="enough"):
            await fetch(f"{server.base}/slow?wait=1", signal=controller.signal)
        with pytest.raises(ValueError, match="before"):
            await fetch(f"{server.base}/hits", signal=AbortSignal.abort(ValueError("before")))
        assert (await fetch(f"{server.base}/hits", signal=AbortController().signal)).ok

    inside(test)


@pytest.mark.parametrize(
    "options",
    [
        {"cache": "no-store", "revalidate": 60},
        {"cache": "force-cache", "revalidate": 0},
        {"cache": "default"},
        {"revalidate": "60"},
        {"revalidate": -1},
        {"tags": "posts"},
        {"tags": [""]},
        {"body": "x"},
        {"method": "POST", "body": "x", "json": 1},
    ],
)
def test_contradictions_are_errors(options: Any) -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match=r"fetch\(\)"):
            await fetch("http://127.0.0.1:1/", **options)

    inside(test)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/", "data:,x"])
def test_only_http(url: str) -> None:
    async def test(caching: Caching) -> None:
        with pytest.raises(CacheUsageError, match="http or https"):
            await fetch(url)

    inside(test)
