from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.app.project import make_application

from waypost.errors import StartupError
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


@pytest.mark.parametrize("text", ["x = 1\n", "register = 5\n", "import nowhere_at_all\n", "def ("])
def test_a_file_that_can_not_work_is_a_startup_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(StartupError) as caught:
        make_application(tmp_path, {"instrumentation.py": text, "app/[kind]/route.py": "async def GET(): return {}\n"})
    assert caught.value.file is not None
    assert caught.value.file.name == "instrumentation.py"
