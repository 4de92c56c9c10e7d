from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.app.application import Application
from waypost.cache.memory_store import MemoryStore
from waypost.errors import StartupErrors
from waypost.testing import AsyncClient, Client, ClientResponse

COUNT = """
import asyncio, itertools
from waypost import *
from waypost.cache import *
RUNS = itertools.count(1)
"""
PLAIN = COUNT + "async def GET():\n    return Response.json({'n': next(RUNS)})\n"
STATIC = "dynamic = 'force-static'\n"
Test = Callable[[AsyncClient], Awaitable[Any]]


def inside(root: Path, files: dict[str, str], test: Test, **settings: Any) -> Any:
    """Run a test with a client of the project; routes by their folder below app/."""

    async def run() -> Any:
        routes = {f"app/{name}/route.py" if not name.endswith(".py") else name: text for name, text in files.items()}
        application = make_application(root, routes, **{"cache_url": "memory:", **settings})
        async with AsyncClient(application) as client:
            return await test(client)

    return asyncio.run(run())


def status_of(response: ClientResponse) -> str | None:
    return response.headers.get("cache-status")


def entries(client: AsyncClient) -> list[str]:
    store = client.application.cache.caching.store
    assert isinstance(store, MemoryStore)
    return list(store._records.table)


# -- which handlers are static


@pytest.mark.parametrize(
    ("options", "static"),
    [
        ("", False),
        ("dynamic = 'auto'", False),
        ("dynamic = 'force-dynamic'", False),
        ("dynamic = 'force-static'", True),
        ("dynamic = 'error'", True),
        ("revalidate = 60", True),
        ("revalidate = False", True),
        ("revalidate = 0", False),
        ("revalidate = None", False),
        ("dynamic = 'force-static'\nrevalidate = 60", True),
    ],
)
def test_which_options_make_get_static(tmp_path: Path, options: str, static: bool) -> None:
    async def test(client: AsyncClient) -> None:
        first, second = await client.get("/a"), await client.get("/a")
        assert (first.json() == second.json()) is static
        assert (status_of(second) is not None) is static
        assert (second.headers.get("cache-control") is not None) is static

    inside(tmp_path, {"a": PLAIN + options + "\n"}, test)


def test_generated_parameters_make_get_static(tmp_path: Path) -> None:
    route = PLAIN + "def generate_static_params():\n    return [{'id': '1'}]\n"

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a/1")).json() == (await client.get("/a/1")).json() == {"n": 1}
        assert (await client.get("/a/2")).json() == (await client.get("/a/2")).json() == {"n": 2}

    inside(tmp_path, {"a/[id]": route}, test)


def test_other_verbs_beside_a_static_get_run_each_time_and_see_everything(tmp_path: Path) -> None:
    route = (
        COUNT
        + STATIC
        + """
async def GET():
    return Response.json({'n': next(RUNS)})
async def POST(request):
    return Response.json({'n': next(RUNS), 'q': request.next_url.search, 'a': request.headers.get('x-a')})
async def HEAD():
    return Response(None, headers={'x-own': 'head'})
"""
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).json() == {"n": 1}
        posted = await client.post("/a?x=1", headers={"x-a": "1"})
        assert posted.json() == {"n": 2, "q": "?x=1", "a": "1"} and status_of(posted) is None
        assert (await client.head("/a")).headers.get("x-own") == "head"
        assert (await client.options("/a")).headers.get("allow") == "GET, HEAD, OPTIONS, POST"
        assert (await client.get("/a")).json() == {"n": 1}

    inside(tmp_path, {"a": route}, test)


def test_a_page_can_be_static(tmp_path: Path) -> None:
    page = (
        COUNT
        + STATIC
        + "async def page():\n    return Response(f'<p>{next(RUNS)}', headers={'content-type': 'text/html'})\n"
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/p")).text == (await client.get("/p")).text == "<p>1"

    inside(tmp_path, {"app/p/page.py": page}, test)


# -- what a static handler sees

SEES = (
    COUNT
    + """
async def GET(request, context):
    return Response.json({
        'url': request.url, 'path': request.path, 'search': request.next_url.search,
        'pathname': request.next_url.pathname,
        'params': dict(context.params), 'query': request.next_url.search_params.get('q'), 'method': request.method,
        'headers': request.headers.entries(), 'ambient': headers().entries(), 'ip': request.ip,
        'cookies': request.cookies.keys(), 'store': cookies().keys(), 'body': await request.text(),
        'aborted': request.signal.aborted, 'draft': draft_mode().is_enabled,
    })
"""
)


def test_under_force_static_the_rest_is_empty(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        response = await client.get(
            "/a/%62%20c?q=1", headers={"cookie": "sid=1", "authorization": "x", "host": "evil.example"}
        )
        assert response.json() == {
            "url": "http://localhost/a/b%20c", "path": "/a/b%20c", "search": "", "pathname": "/a/b%20c",
            "params": {"id": "b c"}, "query": None, "method": "GET", "headers": [], "ambient": [], "ip": None,
            "cookies": [], "store": [], "body": "", "aborted": False, "draft": False,
        }  # fmt: skip
        assert (await client.get("/a/b%20c")).json() == response.json()
        assert (await client.head("/a/b c2".replace(" ", "%20"), headers={"x": "1"})).status == 200

    inside(tmp_path, {"a/[id]": SEES + STATIC}, test)


READS = [
    "request.url", "request.headers", "request.cookies", "request.ip", "request.signal", "request.query_string",
    "request.host", "request.scheme", "request.next_url.search", "request.next_url.search_params",
    "request.next_url.href", "request.next_url.host", "request.next_url.clone()", "headers()", "cookies()",
    "cookies().set('a', 'b')",
]  # fmt: skip


@pytest.mark.parametrize("options", ["dynamic = 'error'", "revalidate = 60"])
@pytest.mark.parametrize("read", READS)
def test_elsewhere_reading_it_is_an_error_that_names_the_line(
    tmp_path: Path, read: str, options: str, caplog: pytest.LogCaptureFixture
) -> None:
    route = f"{COUNT}{options}\nasync def GET(request):\n    value = 1\n    {read}\n    return Response.json(value)\n"

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).status == 500
        assert entries(client) == []

    with caplog.at_level(logging.ERROR):
        inside(tmp_path, {"a": route}, test)
    line = len(COUNT.splitlines()) + 4
    assert f"{tmp_path / 'app/a/route.py'}:{line}: " in caplog.text and "force-dynamic" in caplog.text


@pytest.mark.parametrize("options", ["dynamic = 'error'", "revalidate = 60"])
@pytest.mark.parametrize(("argument", "place"), [("query", "query"), ("headers", "headers"), ("cookies", "cookies")])
def test_taking_it_by_name_stops_the_start(tmp_path: Path, argument: str, place: str, options: str) -> None:
    route = (
        f"from dataclasses import dataclass\n{options}\n@dataclass\nclass Asked:\n    word: str\n"
        f"async def GET({argument}: Asked):\n    return {{}}\n"
    )
    with pytest.raises(StartupErrors) as caught:
        make_application(tmp_path, {"app/a/route.py": route})
    (error,) = caught.value.errors
    assert (error.file, error.line) == (tmp_path / "app/a/route.py", 6)
    assert f"'word' from the {place}" in error.message
    assert "force-dynamic" in (error.remedy or "")


def test_by_name_under_force_static_it_is_as_if_nothing_was_sent(tmp_path: Path) -> None:
    route = (
        "from dataclasses import dataclass\ndynamic = 'force-static'\n"
        "@dataclass\nclass Asked:\n    word: str = 'none'\n"
        "async def GET(query: Asked):\n    return {'word': query.word}\n"
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a?word=x")).json() == {"word": "none"}

    inside(tmp_path, {"a": route}, test)


def test_connection_makes_it_dynamic_which_an_error_route_refuses(tmp_path: Path) -> None:
    route = COUNT + "async def GET():\n    await connection()\n    return Response.json({'n': next(RUNS)})\n"

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/error")).status == 500
        assert (await client.get("/forced")).json() == (await client.get("/forced")).json() == {"n": 1}

    inside(tmp_path, {"error": route + "dynamic = 'error'\n", "forced": route + STATIC}, test)


def test_what_the_key_covers_can_be_read_anywhere(tmp_path: Path) -> None:
    route = COUNT + (
        "revalidate = 60\n"
        "async def GET(request, context):\n"
        "    return Response.json([request.method, request.path, request.next_url.pathname, context.params['id']])\n"
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/docs/a/7?x=1")).json() == ["GET", "/docs/a/7", "/a/7", "7"]

    inside(tmp_path, {"a/[id]": route}, test, base_path="/docs")


def test_a_static_handler_sets_no_cookie(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).status == 500

    inside(
        tmp_path,
        {"a": COUNT + STATIC + "async def GET():\n    cookies().set('a', 'b')\n    return Response('x')\n"},
        test,
    )


def test_a_static_handler_revalidates_nothing(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).status == 500

    inside(
        tmp_path, {"a": COUNT + STATIC + ("async def GET():\n    update_tag('x')\n    return Response('x')\n")}, test
    )


def test_a_variable_that_middleware_set_is_not_seen(tmp_path: Path) -> None:
    shared = "from contextvars import ContextVar\nUSER = ContextVar('user', default='nobody')\n"
    middleware = (
        "from lib.user import USER\nasync def middleware(request):\n    USER.set(request.headers.get('x-user'))\n"
    )
    route = "from lib.user import USER\n" + COUNT + STATIC + "async def GET():\n    return Response(USER.get())\n"

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a", headers={"x-user": "alice"})).text == "nobody"

    inside(tmp_path, {"lib/user.py": shared, "lib/__init__.py": "", "middleware.py": middleware, "a": route}, test)


# -- answers


def test_hits_carry_what_was_stored_and_what_a_cache_needs(tmp_path: Path) -> None:
    route = (
        COUNT + "revalidate = 60\nasync def GET():\n    return Response('hello', status=203, headers={'x-a': '1'})\n"
    )

    async def test(client: AsyncClient) -> None:
        first, second = await client.get("/a"), await client.get("/a")
        assert status_of(first) == "waypost; fwd=uri-miss; stored"
        assert status_of(second) in ("waypost; hit; ttl=60", "waypost; hit; ttl=59")
        for response in (first, second):
            assert (response.status, response.text, response.headers.get("x-a")) == (203, "hello", "1")
            assert response.headers.get("cache-control") == "s-maxage=60, stale-while-revalidate=31535940"
            assert response.headers.get("content-type") == "text/plain;charset=UTF-8"
        assert first.headers.get("etag") == second.headers.get("etag")

    inside(tmp_path, {"a": route}, test)


def test_head_is_answered_from_get_and_stores_nothing(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        first = await client.head("/a")
        assert (first.status, first.content, status_of(first)) == (200, b"", "waypost; fwd=uri-miss")
        assert entries(client) == []
        assert (await client.get("/a")).json() == {"n": 2}
        second = await client.head("/a")
        assert status_of(second) == "waypost; hit" and second.headers.get("etag")
        assert (await client.get("/a")).json() == {"n": 2}

    inside(tmp_path, {"a": PLAIN + STATIC}, test)


def test_a_client_that_has_it_gets_304(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        etag = (await client.get("/a")).headers["etag"]
        for sent in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            response = await client.get("/a", headers={"if-none-match": sent})
            assert (response.status, response.content) == (304, b"")
            assert (response.headers.get("etag") or "").endswith(etag) and response.headers.get(
                "cache-control"
            ) == "s-maxage=31536000"
            assert not response.headers.has("content-type")
        assert (await client.get("/a", headers={"if-none-match": '"other"'})).status == 200
        assert (await client.head("/a", headers={"if-none-match": etag})).status == 304

    inside(tmp_path, {"a": PLAIN + STATIC}, test)


def test_a_conditional_first_request_fills_as_well(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a", headers={"if-none-match": "*"})).status == 304
        assert (await client.get("/a")).json() == {"n": 1}

    inside(tmp_path, {"a": PLAIN + STATIC}, test)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("redirect('/x')", 307),
        ("not_found()", 404),
        ("raise Response('x', 410)", 410),
        ("return Response(None, 302, {'location': '/'})", 302),
    ],
)
def test_control_flow_is_an_answer_like_any_other(tmp_path: Path, answer: str, status: int) -> None:
    async def test(client: AsyncClient) -> None:
        assert [(await client.get("/a")).status for _ in range(2)] == [status] * 2
        assert status_of(await client.get("/a")) == "waypost; hit"

    inside(tmp_path, {"a": COUNT + STATIC + f"async def GET():\n    {answer}\n"}, test)


@pytest.mark.parametrize(
    "answer",
    [
        "Response(None, 204)",
        "Response('x', 206)",
        "Response('x', 500)",
        "Response('x', 401)",
        "Response('x', headers={'set-cookie': 'a=1'})",
        "Response('x', headers={'cache-control': 'PRIVATE'})",
        "Response('x', headers={'cache-control': 'no-store'})",
        "Response('x', headers={'vary': '*'})",
        "Response('x', headers={'vary': ' Cookie '})",
    ],
)
def test_what_is_for_one_client_is_made_for_each(tmp_path: Path, answer: str) -> None:
    route = (
        COUNT
        + STATIC
        + (
            f"async def GET():\n"
            f"    response = {answer}\n"
            f"    response.headers.set('x-n', str(next(RUNS)))\n"
            f"    return response\n"
        )
    )

    async def test(client: AsyncClient) -> None:
        responses = [await client.get("/a") for _ in range(3)]
        assert [response.headers.get("x-n") for response in responses] == ["1", "2", "3"]
        assert {status_of(response) for response in responses} == {"waypost; fwd=uri-miss"}
        assert entries(client) == []

    inside(tmp_path, {"a": route}, test)


@pytest.mark.parametrize(
    "body", ["b'x' * 10", "stream()", "iter([b'ab', b'c'])", "ReadableStream.from_([b'x'])", "'é'"]
)
def test_every_kind_of_body_is_kept_as_bytes(tmp_path: Path, body: str) -> None:
    route = (
        COUNT
        + STATIC
        + (
            f"async def stream():\n"
            f"    yield b'ab'\n"
            f"    yield b'c'\n"
            f"async def GET():\n"
            f"    next(RUNS)\n"
            f"    return Response({body})\n"
        )
    )

    async def test(client: AsyncClient) -> None:
        first, second = await client.get("/a"), await client.get("/a")
        assert first.content == second.content and first.content
        assert status_of(second) == "waypost; hit"

    inside(tmp_path, {"a": route}, test)


def test_a_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * 100)
    route = COUNT + STATIC + f"async def GET():\n    return Response.file({str(tmp_path / 'big.bin')!r})\n"

    async def test(client: AsyncClient) -> None:
        first, second = await client.get("/a"), await client.get("/a")
        assert first.content == second.content == bytes(range(256)) * 100

    if hasattr(__import__("waypost").Response, "file"):
        inside(tmp_path, {"a": route}, test)


def test_a_body_that_is_too_long_to_keep_is_sent_all_the_same(tmp_path: Path) -> None:
    route = (
        COUNT
        + STATIC
        + (
            "async def stream():\n"
            "    for _ in range(40):\n"
            "        yield b'x' * 65536\n"
            "async def GET():\n"
            "    next(RUNS)\n"
            "    return Response(stream())\n"
        )
    )

    async def test(client: AsyncClient) -> None:
        for _ in range(2):
            response = await client.get("/a")
            assert len(response.content) == 40 * 65536 and status_of(response) == "waypost; fwd=uri-miss"
        assert entries(client) == []

    inside(tmp_path, {"a": route}, test, cache_max_memory="4mb")


def test_a_stream_that_fails_is_an_error_and_nothing_is_stored(tmp_path: Path) -> None:
    route = (
        COUNT
        + STATIC
        + (
            "async def stream():\n"
            "    yield b'x'\n"
            "    raise RuntimeError('broken')\n"
            "async def GET():\n"
            "    return Response(stream())\n"
        )
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).status == 500
        assert entries(client) == []

    inside(tmp_path, {"a": route}, test)


@pytest.mark.parametrize(
    ("own", "vary"),
    [
        ("X-Accept-Encoding", "X-Accept-Encoding, Accept-Encoding"),
        ("Accept, accept-encoding", "Accept, accept-encoding"),
    ],
)
def test_a_long_answer_is_kept_with_all_that_it_varies_by(tmp_path: Path, own: str, vary: str) -> None:
    route = COUNT + STATIC + f"async def GET():\n    return Response('long ' * 1000, headers={{'vary': {own!r}}})\n"

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).headers.get("vary") == vary
        store = client.application.cache.caching.store
        assert isinstance(store, MemoryStore)
        (record,) = store._records.table.values()
        assert dict(record.entry.headers)[b"vary"].decode() == vary

    inside(tmp_path, {"a": route}, test)


def test_a_long_answer_is_compressed_once_and_varies(tmp_path: Path) -> None:
    route = COUNT + STATIC + "async def GET():\n    return Response('long ' * 1000)\n"

    async def test(client: AsyncClient) -> None:
        plain = await client.get("/a")
        assert len(plain.content) == 5000 and plain.headers.get("vary") == "Accept-Encoding"
        packed = [await client.get("/a", headers={"accept-encoding": "gzip"}) for _ in range(2)]
        assert packed[0].content == packed[1].content and len(packed[0].content) < 200
        assert packed[0].headers.get("content-encoding") == "gzip"
        weak = packed[0].headers["etag"]
        assert weak == "W/" + plain.headers["etag"]
        again = await client.get("/a", headers={"accept-encoding": "gzip", "if-none-match": weak})
        assert again.status == 304 and again.headers.get("vary") == "Accept-Encoding"

    inside(tmp_path, {"a": route}, test)


def test_no_answer_can_be_changed_by_middleware_for_the_next_client(tmp_path: Path) -> None:
    middleware = """
async def middleware(request, next):
    response = await next(request)
    response.headers.append('x-user', request.headers.get('x-user') or '')
    return response
"""

    async def test(client: AsyncClient) -> None:
        for user in ("alice", "bob", "carol"):
            assert (await client.get("/a", headers={"x-user": user})).headers.get("x-user") == user
        assert (await client.get("/a")).json() == {"n": 1}

    inside(tmp_path, {"middleware.py": middleware, "a": PLAIN + STATIC}, test)


# -- time and tags


def test_timed_stale_once_then_fresh(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a")).json() == {"n": 1}
        await asyncio.sleep(1.05)
        stale = await client.get("/a")
        assert stale.json() == {"n": 1} and (status_of(stale) or "").startswith("waypost; hit; ttl=-")
        await asyncio.sleep(0.02)
        assert (await client.get("/a")).json() == {"n": 2}

    inside(tmp_path, {"a": PLAIN + "revalidate = 1\n"}, test)


def test_a_failing_refresh_keeps_the_stale_answer_and_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    route = COUNT + (
        "revalidate = 1\n"
        "async def GET():\n"
        "    n = next(RUNS)\n"
        "    if n == 2:\n"
        "        raise RuntimeError('upstream')\n"
        "    return Response.json({'n': n})\n"
    )
    hook = (
        "SEEN = []\n"
        "def on_request_error(error, request, context):\n"
        "    SEEN.append((str(error), request.path, context['route_path']))\n"
    )

    async def test(client: AsyncClient) -> list[Any]:
        await client.get("/a")
        await asyncio.sleep(1.05)
        for _ in range(4):
            assert (await client.get("/a")).json() == {"n": 1}
            await asyncio.sleep(0.02)
        import instrumentation  # type: ignore[import-not-found]  # the project's

        return list(instrumentation.SEEN)

    assert inside(tmp_path, {"a": route, "instrumentation.py": hook}, test) == [("upstream", "/a", "/a")]
    assert len([record for record in caplog.records if "stale copy stays" in record.message]) == 1


WRITER = (
    COUNT
    + """
async def POST(request):
    what = request.next_url.search_params
    if what.get('tag'):
        revalidate_tag(what.get('tag'), what.get('profile') or {'expire': 0})
    else:
        revalidate_path(what.get('path'), what.get('type'))
    if what.get('fail'):
        raise RuntimeError('after the write')
    return Response.json({'done': True})
"""
)
TAGGED = (
    COUNT
    + STATIC
    + """
@cached(tags=['numbers'])
async def number():
    return next(RUNS)
async def GET():
    return Response.json({'n': await number()})
"""
)


def test_who_sees_the_answer_of_a_write_sees_its_effect(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        for expected in (1, 2, 3):
            assert (await client.get("/read")).json() == (await client.get("/read")).json() == {"n": expected}
            assert (await client.post("/write?tag=numbers")).json() == {"done": True}
        assert (await client.post("/write?tag=numbers&fail=1")).status == 500
        assert (await client.get("/read")).json() == {"n": 4}

    inside(tmp_path, {"read": TAGGED, "write": WRITER}, test)


def test_a_profile_shows_the_old_once_more(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        await client.get("/read")
        await client.post("/write?tag=numbers&profile=max")
        stale = await client.get("/read")
        assert stale.json() == {"n": 1} and status_of(stale) == "waypost; hit; ttl=-1"
        await asyncio.sleep(0.02)
        assert (await client.get("/read")).json() == {"n": 2}

    inside(tmp_path, {"read": TAGGED, "write": WRITER}, test)


def test_paths_patterns_and_layouts(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        async def numbers() -> list[int]:
            return [
                (await client.get(path)).json()["n"] for path in ("/posts/1", "/posts/2", "/posts/1/edit", "/about")
            ]

        assert await numbers() == [1, 2, 1, 1]
        await client.post("/write?path=/posts/1")
        assert await numbers() == [3, 2, 1, 1]
        await client.post("/write?path=/posts/[id]&type=page")
        assert await numbers() == [4, 5, 1, 1]
        await client.post("/write?path=/posts&type=layout")
        assert await numbers() == [6, 7, 2, 1]
        await client.post("/write?path=/&type=layout")
        assert await numbers() == [8, 9, 3, 2]
        await client.post("/write?path=/nowhere")
        assert await numbers() == [8, 9, 3, 2]

    static = PLAIN + STATIC
    files = {"posts/[id]": static, "posts/[id]/edit": static, "about": static, "write": WRITER}
    inside(tmp_path, files, test)


def test_revalidate_path_reaches_the_data_that_was_cached_for_the_path(tmp_path: Path) -> None:
    route = COUNT + (
        "@cached\n"
        "async def number():\n"
        "    return next(RUNS)\n"
        "async def GET():\n"
        "    return Response.json({'n': await number()})\n"
    )

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/read")).json() == (await client.get("/read")).json() == {"n": 1}
        await client.post("/write?path=/read")
        assert (await client.get("/read")).json() == {"n": 2}

    inside(tmp_path, {"read": route, "write": WRITER}, test)


def test_a_request_that_revalidates_reads_the_new_itself(tmp_path: Path) -> None:
    route = (
        COUNT
        + """
@cached(tags=['numbers'])
async def number():
    return next(RUNS)
async def POST():
    before = await number()
    update_tag('numbers')
    return Response.json([before, await number()])
"""
    )

    async def test(client: AsyncClient) -> None:
        before, after = (await client.post("/a")).json()
        assert after > before
        assert (await client.post("/a")).json()[0] > after

    inside(tmp_path, {"a": route}, test)


def test_an_entry_filled_while_the_writer_still_writes_does_not_outlive_it(tmp_path: Path) -> None:
    shared = "import asyncio\nVALUE = ['old']\nGO = asyncio.Event()\n"
    write = (
        "from lib.db import VALUE, GO\n"
        + COUNT
        + """
async def POST():
    update_tag('value')
    await GO.wait()
    VALUE[0] = 'new'
    return Response('ok')
"""
    )
    read = (
        "from lib.db import VALUE, GO\n"
        + COUNT
        + STATIC
        + "async def GET():\n    cache_tag('value')\n    return Response(VALUE[0])\n"
    )

    async def test(client: AsyncClient) -> None:
        writing = asyncio.create_task(client.post("/write"))
        await asyncio.sleep(0.01)
        assert (await client.get("/read")).text == "old"
        from lib.db import GO  # type: ignore[import-not-found]  # the project's

        GO.set()
        await writing
        assert (await client.get("/read")).text == "new"

    inside(tmp_path, {"lib/db.py": shared, "lib/__init__.py": "", "read": read, "write": write}, test)


def test_after_runs_when_a_fill_is_done(tmp_path: Path) -> None:
    route = (
        COUNT
        + STATIC
        + "LOG = []\nasync def GET():\n    after(lambda: LOG.append('after'))\n    return Response('x')\n"
    )
    look = "from app.a.route import LOG\nfrom waypost import Response\ndef GET():\n    return Response.json(LOG)\n"

    async def test(client: AsyncClient) -> None:
        for _ in range(3):
            await client.get("/a")
        await asyncio.sleep(0.05)
        assert (await client.get("/log")).json() == ["after"]

    inside(tmp_path, {"a": route, "log": look}, test)


def test_revalidating_in_after_works_for_a_dynamic_handler(tmp_path: Path) -> None:
    write = COUNT + "async def POST():\n    after(lambda: update_tag('numbers'))\n    return Response('ok')\n"

    async def test(client: AsyncClient) -> None:
        await client.get("/read")
        await client.post("/write")
        await asyncio.sleep(0.05)
        assert (await client.get("/read")).json() == {"n": 2}

    inside(tmp_path, {"read": TAGGED, "write": write}, test)


# -- parameters


def test_one_spelling_for_each_set_of_parameters(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/a/x")).json() == (await client.get("/a/%78")).json() == {"n": 1}
        assert (await client.get("/a/x%2Fy")).json() == {"n": 2}
        assert (await client.get("/a/X")).json() == {"n": 3}
        assert len(entries(client)) == 3

    inside(tmp_path, {"a/[id]": PLAIN + STATIC}, test)


def test_closed_parameters_are_404_before_the_handler(tmp_path: Path) -> None:
    route = PLAIN + (
        "dynamic_params = False\n"
        "CALLS = []\n"
        "async def generate_static_params():\n"
        "    CALLS.append(1)\n"
        "    return [{'id': 'one'}, {'id': 'sp ace'}, {'id': 3}]\n"
        "async def POST():\n"
        "    return Response.json({'calls': len(CALLS)})\n"
    )

    async def test(client: AsyncClient) -> None:
        assert [(await client.get(f"/a/{id}")).status for id in ("one", "sp%20ace", "3", "two", "One")] == [
            200,
            200,
            200,
            404,
            404,
        ]
        assert (await client.head("/a/two")).status == 404
        assert (await client.post("/a/two")).json() == {"calls": 1}

    inside(tmp_path, {"a/[id]": route}, test)


def test_a_path_of_very_many_segments_is_answered_and_not_stored(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        path = "/a" + "/x" * 500
        assert [(await client.get(path)).json()["n"] for _ in range(2)] == [1, 2]
        assert entries(client) == []

    inside(tmp_path, {"a/[...rest]": PLAIN + STATIC}, test)


def test_an_optional_catch_all_has_an_answer_without_segments(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert [(await client.get(path)).json()["n"] for path in ("/a", "/a/b", "/a", "/a/b")] == [1, 2, 1, 2]

    inside(tmp_path, {"a/[[...rest]]": PLAIN + STATIC}, test)


# -- development, and hosts without a lifespan


def test_development_runs_the_handler_each_time_with_the_same_view(tmp_path: Path) -> None:
    files = {
        "app/a/route.py": PLAIN + STATIC,
        "app/b/route.py": COUNT + "revalidate = 5\nasync def GET(request):\n    return Response(request.url)\n",
        "app/c/route.py": COUNT
        + (
            "@cached\n"
            "async def n():\n"
            "    return next(RUNS)\n"
            "async def GET():\n"
            "    return Response.json(await n())\n"
            "async def POST():\n"
            "    update_tag('x')\n"
            "    return Response('ok')\n"
        ),
    }

    async def run() -> None:
        application = make_application(tmp_path, files, dev=True)
        async with AsyncClient(application) as client:
            assert [(await client.get("/a")).json()["n"] for _ in range(3)] == [1, 2, 3]
            assert (await client.get("/b")).status == 500
            assert [(await client.get("/c")).json() for _ in range(2)] == [1, 2]
            assert (await client.post("/c")).status == 200
        assert not (tmp_path / ".waypost").exists()

    asyncio.run(run())


def test_a_host_that_never_says_it_starts(tmp_path: Path) -> None:
    async def run() -> None:
        application: Application = make_application(tmp_path, {"app/a/route.py": PLAIN + STATIC}, cache_url="memory:")
        client = AsyncClient(application)
        assert [(await client.get("/a")).json()["n"] for _ in range(2)] == [1, 1]
        await application.shutdown()

    asyncio.run(run())


def test_fetch_cache_of_the_route(tmp_path: Path) -> None:
    from tests.cache.upstream import upstream

    with upstream() as server:
        route = (
            COUNT
            + f"async def GET():\n    return Response.json((await (await fetch('{server.base}/hits')).json())['n'])\n"
        )
        refuse = COUNT + (
            f"async def GET():\n"
            f"    return Response.json((await (await fetch('{server.base}/hits', cache='no-store')).json())['n'])\n"
        )

        async def test(client: AsyncClient) -> None:
            assert [(await client.get("/auto")).json() for _ in range(2)] == [1, 2]
            assert [(await client.get("/cache")).json() for _ in range(2)] == [3, 3]
            assert (await client.get("/only")).status == 500
            from waypost.cache.fetch_client import close_client

            await close_client()

        files = {
            "auto": route,
            "cache": route + "fetch_cache = 'default-cache'\n",
            "only": refuse + "fetch_cache = 'only-cache'\n",
        }
        inside(tmp_path, files, test)


@pytest.mark.parametrize(
    "middleware",
    [
        "async def middleware(request):\n    cookies().set('session', 'ada')\n",
        "async def middleware(request):\n    r = Response.next()\n    r.cookies.set('session', 'ada')\n    return r\n",
        "async def middleware(request, next):\n    r = await next(request)\n    r.cookies.set('session', 'ada')\n"
        "    return Response(await r.text(), headers=r.headers)\n",
    ],
)
def test_an_answer_that_sets_a_cookie_is_not_for_shared_caches(tmp_path: Path, middleware: str) -> None:
    own = "async def GET():\n    return Response.json(1, headers={'cache-control': 's-maxage=60'})\n"
    files = {
        "app/a/middleware.py": f"from waypost import Response, cookies\n{middleware}",
        "app/a/kept/route.py": PLAIN + STATIC,
        "app/a/timed/route.py": PLAIN + "revalidate = 60\n",
        "app/a/page/page.html": "page",
        "app/a/own/route.py": f"from waypost import Response\n{STATIC}{own}",
        "app/a/dynamic/route.py": f"from waypost import Response\n{own}",
        "app/without/route.py": PLAIN + STATIC,
    }
    with Client(make_application(tmp_path, files)) as client:
        for path, expected in (
            ("/a/kept", "private, no-cache"),
            ("/a/timed", "private, no-cache"),
            ("/a/page", "private, no-cache"),
            ("/a/own", "s-maxage=60"),
            ("/a/dynamic", "s-maxage=60"),
        ):
            for _ in range(2):
                answer = client.get(path)
                assert answer.headers.get_set_cookie() == ["session=ada; Path=/"]
                assert answer.headers["cache-control"] == expected
        assert client.get("/without").headers["cache-control"] == "s-maxage=31536000"
