from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.errors import StartupError
from waypost.http.request import Request
from waypost.testing import Client

HOOKS = """
SEEN = []
async def register():
    SEEN.append("registered")
async def on_request_error(error, request, context):
    SEEN.append([type(error).__name__, request.method, request.path, context["route_path"], context["error_id"]])
"""
ROUTE = """
from waypost import not_found, Response
import instrumentation
async def GET(request, context):
    kind = context.params["kind"]
    if kind == "bug": raise ValueError("x")
    if kind == "nothing": return None
    if kind == "missing": not_found()
    if kind == "raised": raise Response("x", 400)
    if kind == "json": return await request.json()
    return {"seen": instrumentation.SEEN}
"""


def test_hooks_run_for_bugs_only(tmp_path: Path) -> None:
    files = {"instrumentation.py": HOOKS, "app/[kind]/route.py": ROUTE}
    with Client(make_application(tmp_path, files)) as client:
        for kind in ("bug", "nothing", "missing", "raised", "json"):
            answer = client.get(f"/{kind}")
            if kind == "bug":
                error_id = answer.json()["id"]
        seen = client.get("/seen").json()["seen"]
    assert seen[0] == "registered"
    assert [entry[:4] for entry in seen[1:]] == [
        ["ValueError", "GET", "/bug", "/[kind]"],
        ["InvalidResponseError", "GET", "/nothing", "/[kind]"],
    ]
    assert seen[1][4] == error_id


def test_a_failing_hook_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for kind in ("def", "async def"):
        hooks = f"{kind} on_request_error(error, request, context):\n    raise KeyError('hook')\n"
        with (
            caplog.at_level(logging.ERROR, "waypost"),
            Client(
                make_application(tmp_path / kind, {"instrumentation.py": hooks, "app/[kind]/route.py": ROUTE})
            ) as client,
        ):
            assert client.get("/bug").status == 500
        assert "on_request_error failed" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n",
        "register = 5\n",
        "import nowhere_at_all\n",
        "def (",
        "def register(app): ...\n",
        "def on_request_error(error): ...\n",
        "def on_request_error(error, request, context, more): ...\n",
    ],
)
def test_a_file_that_can_not_work_is_a_startup_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartupError) as caught:
        make_application(tmp_path, {"instrumentation.py": text, "app/[kind]/route.py": "async def GET(): return {}\n"})
    assert caught.value.file is not None
    assert caught.value.file.name == "instrumentation.py"


MIDDLEWARE = """
async def middleware(request, next):
    if request.query_string == "before": raise KeyError("before")
    response = await next(request)
    if request.query_string == "after": raise KeyError("after")
    return response
"""


@pytest.mark.parametrize(
    ("file", "query", "expected"),
    [
        ("middleware.py", "before", [None, "middleware"]),
        ("middleware.py", "after", ["/[kind]", "route"]),
        ("app/middleware.py", "before", ["/[kind]", "route"]),
    ],
)
def test_bugs_of_middleware_are_reported(tmp_path: Path, file: str, query: str, expected: list[object]) -> None:
    hooks = """
SEEN = []
def on_request_error(error, request, context):
    SEEN.append([str(error), context["route_path"], context["route_type"], context["router_kind"]])
"""
    files = {"instrumentation.py": hooks, "app/[kind]/route.py": ROUTE, file: MIDDLEWARE}
    with Client(make_application(tmp_path, files)) as client:
        assert client.get(f"/seen?{query}").status == 500
        client.run(client.application.shutdown(5))
        assert client.get("/seen").json()["seen"] == [[f"'{query}'", *expected, "App Router"]]


def test_a_plain_hook_may_block_and_the_answer_does_not_wait(tmp_path: Path) -> None:
    hooks = """
import threading, time
from waypost import headers
SEEN = []
def on_request_error(error, request, context):
    time.sleep(0.3)
    SEEN.append([threading.current_thread().name.startswith("waypost-client"), headers().get("x-n")])
"""
    with Client(make_application(tmp_path, {"instrumentation.py": hooks, "app/[kind]/route.py": ROUTE})) as client:
        began = time.monotonic()
        assert client.get("/bug", headers={"x-n": "7"}).status == 500
        assert time.monotonic() - began < 0.25
        client.run(client.application.shutdown(5))
        assert client.get("/seen").json()["seen"] == [[False, "7"]]


def test_reports_that_pile_up_are_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hooks = "import asyncio\nasync def on_request_error(error, request, context):\n    await asyncio.sleep(0.2)\n"
    files = {"instrumentation.py": hooks, "app/[kind]/route.py": ROUTE}
    with (
        caplog.at_level(logging.ERROR, "waypost"),
        Client(make_application(tmp_path, files, max_pending_after=2)) as client,
    ):
        for _ in range(4):
            assert client.get("/bug").status == 500
        assert len(client.application._instrumentation._tasks) == 2
    assert caplog.text.count("on_request_error is too slow") == 2


def test_it_is_loaded_before_the_routes(tmp_path: Path) -> None:
    """A library that watches others has to be there before they are imported."""
    files = {
        "lib/order.py": "ORDER = []\n",
        "instrumentation.py": "from lib.order import ORDER\nORDER.append('hooks')\ndef register(): ...\n",
        "middleware.py": "from lib.order import ORDER\nORDER.append('middleware')\ndef middleware(request): ...\n",
        "app/route.py": "from lib.order import ORDER\nORDER.append('route')\nasync def GET(): return ORDER\n",
    }
    with Client(make_application(tmp_path, files)) as client:
        assert client.get("/").json()[0] == "hooks"


YIELDING = """
SEEN = []
{kind} register():
    SEEN.append("open")
    try:
        yield
    finally:
        SEEN.append("closed")
"""
AFTERWORK = """
from waypost import after
import instrumentation
async def POST():
    after(lambda: instrumentation.SEEN.append("after"))
    return {"seen": list(instrumentation.SEEN)}
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_follows_the_yield_runs_at_the_end(kind: str, tmp_path: Path) -> None:
    files = {"instrumentation.py": YIELDING.format(kind=kind), "app/work/route.py": AFTERWORK}
    with Client(make_application(tmp_path, files)) as client:
        assert client.post("/work").json() == {"seen": ["open"]}
        import instrumentation
    # Work that was pending may still use what register() opened.
    assert instrumentation.SEEN == ["open", "after", "closed"]


def test_what_register_raises_before_its_yield_is_raised(tmp_path: Path) -> None:
    files = {"instrumentation.py": "async def register():\n    raise KeyError('x')\n    yield\n", "app/route.py": ROUTE}
    with pytest.raises(KeyError), Client(make_application(tmp_path, files)):
        pass


@pytest.mark.parametrize(
    ("rest", "logged"),
    [
        ("raise KeyError('x')", "register() failed at the end"),
        ("import asyncio; await asyncio.sleep(60)", "register() did not end"),
        ("yield", None),
        ("pass", None),
    ],
)
def test_an_end_that_goes_wrong_is_logged(
    rest: str, logged: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"instrumentation.py": f"async def register():\n    yield\n    {rest}\n", "app/[kind]/route.py": ROUTE}
    with (
        caplog.at_level(logging.ERROR, "waypost"),
        Client(make_application(tmp_path, files, shutdown_grace=0.2)) as client,
    ):
        client.get("/missing")
    assert (logged in caplog.text) if logged is not None else not caplog.text


CANCELLED = """
import asyncio
async def GET():
    task = asyncio.create_task(asyncio.sleep(10))
    task.cancel()
    await task
"""


@pytest.mark.parametrize("dev", [False, True])
def test_a_cancelled_task_that_a_handler_awaits_is_a_bug_like_any_other(tmp_path: Path, dev: bool) -> None:
    hooks = (
        "import pathlib\ndef on_request_error(error, request, context):\n"
        f"    pathlib.Path({str(tmp_path)!r}, 'errors.txt').write_text(type(error).__name__ + context['error_id'])\n"
    )
    files = {"app/a/route.py": CANCELLED, "instrumentation.py": hooks}
    with Client(make_application(tmp_path, files, dev=dev, access_log=True)) as client:
        answer = client.get("/a")
        assert (answer.status, answer.json()["error"]) == (500, "Internal server error")
        assert answer.headers["x-request-id"] == answer.json()["id"]
        assert answer.json().get("type") == ("CancelledError" if dev else None)
    assert (tmp_path / "errors.txt").read_text() == "CancelledError" + answer.json()["id"]


def test_the_cancelling_of_a_request_passes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    application = make_application(
        tmp_path, {"app/a/route.py": "import asyncio\nasync def GET():\n    await asyncio.sleep(10)\n"}
    )

    async def main() -> None:
        task = asyncio.create_task(application.handle(Request("http://localhost/a")))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(application.handle(Request("http://localhost/a")), 0.05)

    asyncio.run(main())
    assert not caplog.records
