"""Under ASGI: of many requests at once all handlers run before the first is answered; few or slow ones do not wait."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.project import write_project

from waypost.asgi import ASGI, create_app, turns
from waypost.crowd import LOOK_EVERY, MANY

PROJECT = {
    "app/[id]/route.py": """
from waypost import Response
async def GET(id: str): return Response(id)
""",
}


class Peers:
    """Clients of one application. log: ("ran" or "sent", id) in order."""

    def __init__(self, root: Path) -> None:
        self.app: ASGI = create_app(write_project(root, PROJECT))
        self.log: list[tuple[str, str]] = []
        handle = self.app.application.handle

        async def logged(request: Any) -> Any:
            response = await handle(request)
            self.log.append(("ran", request.path))
            return response

        self.app.application.handle = logged  # type: ignore[method-assign]  # to see when it has run

    async def ask(self, name: str) -> None:
        scope = {
            "type": "http", "scheme": "http", "method": "GET", "path": f"/{name}", "raw_path": f"/{name}".encode(),
            "query_string": b"", "headers": [(b"host", b"a")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200
                self.log.append(("sent", scope["path"]))  # type: ignore[arg-type]  # the path is a str

        await self.app(scope, receive, send)

    async def ask_at_once(self, count: int) -> list[str]:
        """What happened, in order, while that many were answered."""
        self.log.clear()
        await asyncio.gather(*(self.ask(str(number)) for number in range(count)))
        assert sorted(self.log) == sorted((what, f"/{n}") for n in range(count) for what in ("ran", "sent"))
        return [what for what, _ in self.log]


def alternations(order: list[str]) -> int:
    """How many were sent as soon as they had run."""
    return sum(first == "ran" and then == "sent" for first, then in itertools.pairwise(order))


@pytest.fixture
def peers(tmp_path: Path) -> Peers:
    return Peers(tmp_path)


def test_of_many_at_once_all_run_before_the_first_is_sent(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "QUICK", 1.0)  # a busy machine may take long

    async def main() -> None:
        for _ in range(8):  # until it is noticed
            await peers.ask_at_once(20)
        assert await peers.ask_at_once(20) == ["ran"] * 20 + ["sent"] * 20
        for number in range(20):
            await peers.ask(str(number))
        # One of the next is looked at, whichever it is; the others are answered at once.
        order = await peers.ask_at_once(MANY - 1)
        assert alternations(order) >= 5

    asyncio.run(main())


def test_no_answer_waits_for_slow_handlers(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "QUICK", 0.0)  # so that all of them are

    async def main() -> None:
        for _ in range(8):
            order = await peers.ask_at_once(20)
            assert alternations(order) >= 18, "each is sent when it has run, but for the one that is looked at"

    asyncio.run(main())


def test_a_request_that_is_cancelled_while_it_waits_leaves_the_others_alone(peers: Peers) -> None:
    async def main() -> None:
        for _ in range(LOOK_EVERY - 1):
            await peers.ask("x")
        peers.log.clear()
        task = asyncio.create_task(peers.ask("cut"))
        await asyncio.sleep(0)
        assert peers.log == [("ran", "/cut")], "it is the one that waits"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(3 * LOOK_EVERY):
            await peers.ask("x")
        assert [what for what, _ in peers.log].count("sent") == 3 * LOOK_EVERY

    asyncio.run(main())
