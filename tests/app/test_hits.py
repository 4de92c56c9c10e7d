"""Cached answers that a server gives at once must not pass by what stands in front of the route."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.http.request import Request
from waypost.testing import AsyncClient

GUARD = """
from waypost import Response
async def guard(request):
    if not request.headers.has("authorization"): return Response.json({"error": "no"}, 401)
"""
ROUTE = """
revalidate = 60
async def GET(request, context): return {"secret": context.params["id"]}
def generate_static_params(): return []
"""
WAYS = {
    "root": {"middleware.py": GUARD + "middleware = guard\n"},
    "folder": {"app/posts/middleware.py": GUARD + "middleware = guard\n"},
    "file": {"app/posts/[id]/route.py": GUARD + ROUTE + "middleware = [guard]\n"},
    "none": {},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_guard_is_asked_for_every_request(tmp_path: Path, way: str) -> None:
    application = make_application(tmp_path, {"app/posts/[id]/route.py": ROUTE, **WAYS[way]})

    async def main() -> None:
        async with AsyncClient(application) as client:
            hits = application.instant()
            for _ in range(3):
                assert (await client.get("/posts/1", headers={"authorization": "x"})).json() == {"secret": "1"}
            at_once = None if hits is None else hits(Request("http://testserver/posts/1"))
            assert (at_once is not None) == (way == "none")
            if way != "none":
                assert (await client.get("/posts/1")).status == 401

    asyncio.run(main())
