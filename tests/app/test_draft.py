from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import make_application

from waypost.app.draft import COOKIE
from waypost.testing import AsyncClient

FILES = {
    "app/draft/route.py": """
from waypost import Response, draft_mode
async def GET(request):
    draft = await draft_mode()
    before = draft.is_enabled
    what = request.next_url.search_params.get('do')
    if what == 'on': draft.enable()
    if what == 'off': draft.disable()
    return Response.json([before, draft.is_enabled])
""",
    "app/static/route.py": """
import itertools
from waypost import Response, draft_mode
RUNS = itertools.count(1)
dynamic = 'force-static'
async def GET(request):
    return Response.json({'n': next(RUNS), 'draft': draft_mode().is_enabled, 'q': request.next_url.search})
""",
    "app/data/route.py": """
import itertools
from waypost import Response
from waypost.cache import cached
RUNS = itertools.count(1)
@cached
async def number():
    return next(RUNS)
async def GET():
    return Response.json(await number())
""",
    "app/refused/route.py": """
from waypost import Response, draft_mode
dynamic = 'force-static'
async def GET():
    draft_mode().enable()
    return Response('x')
""",
}


def inside(root: Path, test: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with AsyncClient(make_application(root, FILES, cache_url="memory:")) as client:
            return await test(client)

    return asyncio.run(run())


def test_it_goes_on_and_off_within_a_request_and_between_them(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/draft")).json() == [False, False]
        on = await client.get("/draft?do=on")
        assert on.json() == [False, True]
        line = on.headers.get_set_cookie()[0]
        assert line.startswith(f"{COOKIE}=") and line.endswith("; Path=/; Secure; HttpOnly; SameSite=none")
        assert (await client.get("/draft")).json() == [True, True]
        assert (await client.get("/draft?do=off")).json() == [True, False]
        assert (await client.get("/draft")).json() == [False, False]

    inside(tmp_path, test)


def test_an_editor_sees_past_the_cache_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        public = (await client.get("/static")).json()
        assert (await client.get("/data")).json() == 1
        await client.get("/draft?do=on")
        for n in (2, 3):
            seen = await client.get("/static?a=1")
            assert seen.json() == {"n": n, "draft": True, "q": "?a=1"}
            assert seen.headers.get("cache-control") == "no-store"
            assert seen.headers.get("cache-status") == "waypost; fwd=bypass"
            assert (await client.get("/data")).json() == n
        client.cookies.clear()
        assert (await client.get("/static")).json() == public
        assert (await client.get("/data")).json() == 1

    inside(tmp_path, test)


@pytest.mark.parametrize("value", ["", "1", "true", "0" * 64, "é", '"', "a" * 5000])
def test_a_made_up_cookie_switches_nothing_off(tmp_path: Path, value: str) -> None:
    async def test(client: AsyncClient) -> None:
        for _ in range(2):
            header = f"{COOKIE}={value}".encode().decode("latin-1")
            response = await client.get("/static", headers={"cookie": header})
            assert response.json() == {"n": 1, "draft": False, "q": ""}
        assert (await client.get("/draft", headers={"cookie": header})).json() == [False, False]

    inside(tmp_path, test)


def test_the_cookie_of_one_project_is_none_of_anothers(tmp_path: Path) -> None:
    async def cookie(client: AsyncClient) -> str:
        await client.get("/draft?do=on")
        return client.cookies[COOKIE]

    first, again = inside(tmp_path / "a", cookie), inside(tmp_path / "a", cookie)
    assert first == again != inside(tmp_path / "b", cookie)


def test_a_static_handler_cant_enable_it(tmp_path: Path) -> None:
    async def test(client: AsyncClient) -> None:
        assert (await client.get("/refused")).status == 500

    inside(tmp_path, test)
