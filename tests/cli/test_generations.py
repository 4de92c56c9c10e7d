from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from waypost.app.application import Application
from waypost.cli.generations import Generations
from waypost.config import Config
from waypost.http.request import Request
from waypost.http.response import Response


class Recorded(Application):
    """A real application that notes what is asked of it and answers when `gate` opens."""

    def __init__(self, root: Path, name: str, events: list[str]) -> None:
        super().__init__(Config(root=root, mode="development"))
        self.name = name
        self.events = events
        self.gate = asyncio.Event()
        self.handle = self._answer
        self.response_sent = self._sent

    async def _answer(self, request: Request) -> Response:
        await self.gate.wait()
        return Response(self.name)

    def _sent(self, request: Request) -> None:
        self.events.append(f"{self.name} sent")

    async def shutdown(self, grace: float | None = None) -> None:
        self.events.append(f"{self.name} shut down")


def request() -> Request:
    return Request("http://localhost/")


async def body(response: Response) -> bytes:
    payload = response.payload
    assert isinstance(payload, bytes)
    return payload


def test_a_request_ends_with_the_application_it_began_with(tmp_path: Path) -> None:
    events: list[str] = []

    async def run() -> None:
        old, new = Recorded(tmp_path, "old", events), Recorded(tmp_path, "new", events)
        generations = Generations(old)
        first, second = request(), request()
        slow = asyncio.create_task(generations.handle(first))
        await asyncio.sleep(0)
        generations.replace(new)
        assert generations.application is new
        new.gate.set()
        assert await body(await generations.handle(second)) == b"new"
        generations.sent(second)
        await asyncio.sleep(0)
        assert events == ["new sent"]
        old.gate.set()
        assert await body(await slow) == b"old"
        generations.sent(first)
        await asyncio.sleep(0)
        assert events == ["new sent", "old sent", "old shut down"]
        await generations.shutdown()
        assert events[3:] == ["new shut down"]

    asyncio.run(run())


def test_an_idle_application_shuts_down_when_it_is_replaced(tmp_path: Path) -> None:
    events: list[str] = []

    async def run() -> None:
        generations = Generations(Recorded(tmp_path, "old", events))
        generations.replace(Recorded(tmp_path, "new", events))
        await asyncio.sleep(0)
        assert events == ["old shut down"]

    asyncio.run(run())


def test_the_end_shuts_down_what_still_answers(tmp_path: Path) -> None:
    events: list[str] = []

    async def run() -> None:
        generations = Generations(Recorded(tmp_path, "old", events))
        running = asyncio.create_task(generations.handle(request()))
        await asyncio.sleep(0)
        generations.replace(Recorded(tmp_path, "new", events))
        await generations.shutdown()
        assert sorted(events) == ["new shut down", "old shut down"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_a_shutdown_that_fails_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Recorded):
        async def shutdown(self, grace: float | None = None) -> None:
            raise KeyError("pool")

    async def run() -> None:
        generations = Generations(Failing(tmp_path, "old", []))
        generations.replace(Recorded(tmp_path, "new", []))
        await generations.shutdown()

    with caplog.at_level(logging.ERROR, "waypost"):
        asyncio.run(run())
    assert "could not shut down" in caplog.text


def test_a_request_that_is_not_ours_is_ignored(tmp_path: Path) -> None:
    events: list[str] = []

    async def run() -> None:
        Generations(Recorded(tmp_path, "only", events)).sent(request())

    asyncio.run(run())
    assert events == []
