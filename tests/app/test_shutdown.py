"""How an application ends: every part of it, whatever the others do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.app.project import make_application
from tests.cache.upstream import upstream

from waypost.cache import fetch_client
from waypost.testing import AsyncClient


def test_a_part_that_fails_at_shutdown_keeps_no_other_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = "import logging\nasync def register():\n    yield\n    logging.warning('register has ended')\n"
    files = {"instrumentation.py": hooks, "app/route.py": "def GET(): ..."}

    async def broken(grace: float) -> None:
        raise ConnectionError("the store does not close")

    async def work() -> None:
        application = make_application(tmp_path, files, cache_url="memory:")
        await application.startup()
        monkeypatch.setattr(application.cache.caching, "close", broken)
        await application.shutdown(1)

    asyncio.run(work())
    assert "register has ended" in caplog.text
    assert "CacheSetup.close failed at shutdown" in caplog.text and "the store does not close" in caplog.text


def test_the_connections_of_fetch_end_with_the_last_application_of_the_loop(tmp_path: Path) -> None:
    async def work() -> None:
        with upstream() as server:
            files = {
                "app/route.py": "from waypost.cache import fetch\n"
                f"async def GET():\n    return [(await fetch('{server.base}/hits')).status]\n"
            }
            old = AsyncClient(make_application(tmp_path, files, cache_url="memory:"))
            new = AsyncClient(make_application(tmp_path, files, cache_url="memory:"))
            async with new:
                async with old:
                    assert (await old.get("/")).json() == [200]
                    client = fetch_client._clients[asyncio.get_running_loop()]
                assert not client.is_closed, "the one that took its place may be in the middle of a call"
                assert (await new.get("/")).json() == [200]
            assert client.is_closed

    asyncio.run(work())
