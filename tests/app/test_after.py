from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.testing import AsyncClient, Client

ROUTE = """
import asyncio
from waypost import Response, after, cookies, headers, redirect
LOG = []
async def note(text, wait=0):
    await asyncio.sleep(wait)
    LOG.append(text)
async def GET(request, context):
    kind = context.params["kind"]
    if kind == "log": return {"log": LOG}
    LOG.clear()
    LOG.append("handler")
    after(lambda: LOG.append("one"))
    after(note("two", 0.01))
    if kind == "nested":
        async def outer():
            LOG.append("outer")
            after(lambda: LOG.append("inner"))
        after(outer)
    if kind == "error":
        def fail(): raise ValueError("after failed")
        after(fail)
    if kind == "scope":
        async def read():
            LOG.append(headers().get("x-n"))
            try: cookies().set("a", "b")
            except TypeError: LOG.append("refused")
        after(read)
    after(lambda: LOG.append("last"))
    if kind == "throw": raise RuntimeError("x")
    if kind == "redirect": redirect("/there")
    if kind == "stream":
        async def chunks():
            yield b"a"
            await asyncio.sleep(0.02)
            LOG.append("stream ended")
        return Response(chunks())
    return {"ok": True}
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("plain", ["handler", "one", "two", "last"]),
        ("throw", ["handler", "one", "two", "last"]),
        ("redirect", ["handler", "one", "two", "last"]),
        ("error", ["handler", "one", "two", "last"]),
        ("nested", ["handler", "one", "two", "outer", "last", "inner"]),
        ("stream", ["handler", "stream ended", "one", "two", "last"]),
        ("scope", ["handler", "one", "two", "7", "refused", "last"]),
    ],
)
def test_work_runs_in_order_when_the_response_is_sent(tmp_path: Path, kind: str, expected: list[str]) -> None:
    application = make_application(tmp_path, {"app/[kind]/route.py": ROUTE})
    with Client(application) as client:
        client.get(f"/{kind}", headers={"x-n": "7"})
        client.run(application.shutdown(5))
        assert client.get("/log").json()["log"] == expected


def test_an_error_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.ERROR, "waypost"),
        Client(make_application(tmp_path, {"app/[kind]/route.py": ROUTE})) as client,
    ):
        assert client.get("/error").status == 200
    assert "after failed" in caplog.text


def test_the_client_does_not_wait_and_shutdown_does(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import after
DONE = []
async def GET():
    async def slow():
        await asyncio.sleep(0.3)
        DONE.append(1)
    after(slow)
    return {"done": len(DONE)}
"""
    with Client(make_application(tmp_path, {"app/route.py": text})) as client:
        began = time.monotonic()
        assert client.get("/").json() == {"done": 0}
        assert time.monotonic() - began < 0.25
    assert time.monotonic() - began >= 0.3


def test_shutdown_gives_up_after_the_grace_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = """
import asyncio
from waypost import after
async def GET():
    after(asyncio.sleep(60))
    return {}
"""
    application = make_application(tmp_path, {"app/route.py": text})

    async def main() -> float:
        client = AsyncClient(application)
        await client.get("/")
        began = time.monotonic()
        with caplog.at_level(logging.WARNING, "waypost"):
            await application.shutdown(0.1)
        return time.monotonic() - began

    assert asyncio.run(main()) < 2
    assert "cut off" in caplog.text


def test_the_amount_of_waiting_work_is_bounded(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import after
async def GET():
    for _ in range(4): after(asyncio.sleep(0))
    return {}
"""
    with Client(make_application(tmp_path, {"app/route.py": text}, max_pending_after=3)) as client:
        answer = client.get("/")
        assert (answer.status, answer.headers.get("retry-after")) == (503, "1")
        client.run(client.application.shutdown(1))
        assert client.application._afterwork._pending == 0


def test_what_is_no_work_is_refused(tmp_path: Path) -> None:
    text = "from waypost import after\nasync def GET():\n    after(5)\n"
    with Client(make_application(tmp_path, {"app/route.py": text})) as client:
        assert client.get("/").status == 500


LATE = """
import asyncio, threading
from waypost import after
LOG = []
keep = []
async def GET(request, context):
    kind = context.params["kind"]
    if kind == "log": return {"log": LOG}
    if kind == "task":
        async def later():
            await asyncio.sleep(0.05)
            after(lambda: LOG.append("late"))
            after(lambda: LOG.append("later"))
        keep.append(asyncio.create_task(later()))
    if kind == "queued":
        async def later():
            await asyncio.sleep(0.05)
            after(lambda: LOG.append("late"))
        async def first():
            keep.append(asyncio.create_task(later()))
            LOG.append("first")
        after(first)
    if kind == "thread":
        def run():
            after(lambda: LOG.append("in a thread"))
        keep.append(asyncio.get_running_loop().run_in_executor(None, __import__("contextvars").copy_context().run,
            lambda: (__import__("time").sleep(0.05), run())))
    return {}
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("task", ["late", "later"]), ("queued", ["first", "late"]), ("thread", ["in a thread"])],
)
def test_work_given_when_the_response_is_long_gone_runs_too(tmp_path: Path, kind: str, expected: list[str]) -> None:
    application = make_application(tmp_path, {"app/[kind]/route.py": LATE})
    with Client(application) as client:
        client.get(f"/{kind}")
        time.sleep(0.15)
        client.run(application.shutdown(5))
        assert client.get("/log").json()["log"] == expected
        assert application._afterwork._pending == 0


def test_plain_handlers_give_work_from_many_threads(tmp_path: Path) -> None:
    text = """
from waypost import after
DONE = []
def GET():
    for number in range(20): after(lambda number=number: DONE.append(number))
    return {"done": len(DONE)}
"""
    application = make_application(tmp_path, {"app/route.py": text})

    async def main() -> int:
        client = AsyncClient(application)
        await asyncio.gather(*(client.get("/") for _ in range(20)))
        await application.shutdown(5)
        return int((await client.get("/")).json()["done"])

    assert asyncio.run(main()) == 400
    assert application._afterwork._pending == 0


def test_what_is_cut_off_is_closed_and_no_longer_counts(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import after
async def GET():
    after(asyncio.sleep(60))
    after(asyncio.sleep(60))
    after(lambda: None)
    return {}
"""
    application = make_application(tmp_path, {"app/route.py": text})

    async def main() -> None:
        await AsyncClient(application).get("/")
        await application.shutdown(0.1)

    asyncio.run(main())  # a coroutine that nobody awaited is a warning, and warnings are errors here
    assert application._afterwork._pending == 0


def test_work_that_cancels_itself_does_not_stop_the_next(tmp_path: Path) -> None:
    text = """
import asyncio
from waypost import after
DONE = []
async def cancel():
    raise asyncio.CancelledError
async def GET():
    after(cancel)
    after(lambda: DONE.append(1))
    return {"done": list(DONE)}
"""
    with Client(make_application(tmp_path, {"app/route.py": text})) as client:
        client.get("/")
        client.run(client.application.shutdown(1))
        assert client.get("/").json() == {"done": [1]}
